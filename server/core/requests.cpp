#include "server/core/authentication.hpp"
#include "server/core/core_impl.hpp"
#include "server/core/write_replies.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::core {
namespace {

using wire::ErrorCode;
using wire::OpCode;

bool is_write(OpCode op) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer:
        case OpCode::kCreateTtl:
        case OpCode::kDelete:
        case OpCode::kSetData:
        case OpCode::kSetAcl:
        case OpCode::kMulti:
        case OpCode::kReconfig:
        case OpCode::kCloseSession: return true;
        default: return false;
    }
}

/// Answered from this server's state, in the session's order.
bool is_answered_here(OpCode op) {
    return is_read(op) || op == OpCode::kSync || op == OpCode::kSetWatches || op == OpCode::kSetWatches2;
}

/// As a standalone server answers, whether the operation is switched on or off.
ErrorCode refusal_of_reconfig(std::string_view body, const Options& options) {
    if (!wire::decoded<wire::ReconfigRequest>(body)) return ErrorCode::kMarshallingError;
    return options.reconfig_enabled ? ErrorCode::kUnimplemented : ErrorCode::kReconfigDisabled;
}

}  // namespace

void Core::Impl::request(Client& client, std::string_view frame, Outputs& out) {
    Request request{.header{}, .body{}, .frame = frame, .since = now_.monotonic};
    wire::Decoder in(frame);
    wire::decode(in, request.header);
    if (in.failed()) return close(client, out);
    request.body = in.rest();
    client.status.last_op = request.header.op;
    if (request.header.xid >= 0) client.status.last_xid = request.header.xid;

    if (request.header.op == OpCode::kAuth || request.header.op == OpCode::kSasl)
        return authenticate(client, request, out);
    if (!satisfies_enforced(client.identities, options_)) {
        send_header(client, request, Zxid{}, ErrorCode::kSessionClosedRequireAuth, out);
        return close(client, out);
    }
    if (!touch(client)) return;  // it has ended: the client learns so from its connection's end
    if (request.header.op == OpCode::kPing) {
        request.header.xid = wire::kXidPing;
        return send_header(client, request, zxid_applied(), ErrorCode::kOk, out);
    }
    if (is_write(request.header.op)) return submit_write(client, request, out);
    if (is_answered_here(request.header.op)) return take(client, request, out);
    answer_unknown(client, request, out);
}

/// At once, whatever waits: later requests have the new identity already.
void Core::Impl::authenticate(Client& client, Request& request, Outputs& out) {
    if (request.header.op == OpCode::kSasl) {
        // As a server without SASL answers: done, and nobody new.
        ReplyWriter writer(out.bytes);
        wire::encode(writer.encoder(), wire::SaslToken{});
        return send_reply(client, writer, {{request.header.xid, Zxid{}, ErrorCode::kOk}, request.since}, out);
    }
    const auto packet = wire::decoded<wire::AuthRequest>(request.body);
    const bool room = client.identities.size() < options_.identities_max;
    auto identities = packet && room ? core::authenticate(*packet, options_) : std::nullopt;
    send_header(client, request, Zxid{}, identities ? ErrorCode::kOk : ErrorCode::kAuthFailed, out);
    if (!identities) {
        ++status_.auth_failures;
        return close(client, out);
    }
    for (auto& identity : *identities)
        if (std::ranges::find(client.identities, identity) == client.identities.end())
            client.identities.push_back(std::move(identity));
}

void Core::Impl::answer_unknown(Client& client, const Request& request, Outputs& out) {
    send_header(client, request, kZxidUnknown, ErrorCode::kUnimplemented, out);
    close(client, out);
}

// --- writes ----------------------------------------------------------------------------------------------------------

void Core::Impl::submit_write(Client& client, const Request& request, Outputs& out) {
    const auto op = request.header.op;
    if (op != OpCode::kCloseSession && !pipeline_.has_room(request.frame.size(), options_.log_reserve_bytes))
        return refuse_write(client, request, out);
    const Asker asker{client.id, client.session, request.header.xid, client.identities, now_.wall};
    wait(client,
         {.what = Waiting::For::kCommit,
          .xid = asker.xid,
          .op = op,
          .zxid = pipeline_.next_zxid(),
          .since = request.since},
         out);
    if (op == OpCode::kCloseSession) {
        pipeline_.submit_close_session(asker, out);
    } else if (op == OpCode::kReconfig) {
        pipeline_.submit_error(asker, refusal_of_reconfig(request.body, options_), out);
    } else {
        pipeline_.submit(asker, op, request.body, out);
    }
}

/// Before anything of it is in the log, and in its turn.
void Core::Impl::refuse_write(Client& client, const Request& request, Outputs& out) {
    ++status_.writes_refused;
    if (client.waiting.empty()) return send_header(client, request, zxid_applied(), ErrorCode::kSystemError, out);
    const auto& header = request.header;
    wait(client, {.what = Waiting::For::kRefusal, .xid = header.xid, .op = header.op, .since = request.since}, out);
}

void Core::Impl::answer_write(Client& client, OpCode type, Outputs& out) {
    // Only the front can be the one: a session's writes commit in the order in which it sent them.
    ZABD_ASSERT(!client.waiting.empty() && client.waiting.front().what == Waiting::For::kCommit);
    const auto done = std::move(client.waiting.front());
    ZABD_ASSERT(done.zxid == zxid_applied());
    client.waiting.pop_front();
    --outstanding_;
    if (done.op == OpCode::kCreateSession) {
        greet(client, out);
        // What came behind the handshake is taken up as if it came now.
        const auto early = std::exchange(client.waiting, {});
        outstanding_ -= early.size();
        client.waiting_bytes = 0;
        for (const auto& waiting : early)
            if (client.phase == Client::Phase::kOpen) request(client, waiting.frame, out);
        return;
    }
    ReplyWriter writer(out.bytes);
    const auto error = write_reply(done.op, type, pipeline_.changes().results, writer.encoder());
    send_reply(client, writer, {{done.xid, zxid_applied(), error}, done.since}, out);
    run_turns(client, out);
}

// --- reads -----------------------------------------------------------------------------------------------------------

void Core::Impl::take(Client& client, const Request& request, Outputs& out) {
    const auto& header = request.header;
    const bool sync_must_wait = header.op == OpCode::kSync && pipeline_.zxid_proposed() > zxid_applied();
    if (client.waiting.empty() && !sync_must_wait) return answer(client, request, out);
    Waiting waiting{.xid = header.xid, .op = header.op, .since = request.since, .frame = std::string(request.frame)};
    if (sync_must_wait) {
        waiting.what = Waiting::For::kSync;
        waiting.zxid = pipeline_.zxid_proposed();
        syncs_.emplace(waiting.zxid, client.id);
    }
    wait(client, std::move(waiting), out);
}

void Core::Impl::answer(Client& client, const Request& request, Outputs& out) {
    const auto op = request.header.op;
    const ReadContext context{pipeline_.state(), watches_, client, options_.prepare.check_acls, options_.watches_max};
    ReadOutcome outcome;
    if (op == OpCode::kSetWatches || op == OpCode::kSetWatches2) {
        outcome.error = set_watches(op, request.body, context, [&](wire::EventType type, std::string_view path) {
            send_event(client, type, path, out);
        });
    }
    ReplyWriter writer(out.bytes);
    if (op == OpCode::kSync) {
        const auto sync = wire::decoded<wire::NullablePathRequest>(request.body);
        if (sync) wire::encode(writer.encoder(), wire::PathReply{sync->path});
        outcome.error = sync ? ErrorCode::kOk : ErrorCode::kMarshallingError;
    } else if (is_read(op)) {
        outcome = read(op, request.body, context, writer.encoder());
    }
    send_reply(client, writer, {{request.header.xid, zxid_applied(), outcome.error}, request.since, outcome.keep_body},
               out);
}

// --- order -----------------------------------------------------------------------------------------------------------

void Core::Impl::wait(Client& client, Waiting waiting, Outputs& out) {
    ++outstanding_;
    client.waiting_bytes += waiting.frame.size();
    client.waiting.push_back(std::move(waiting));
    const bool too_much = too_many_in_flight() || client.waiting_bytes > options_.client_queue_bytes_max;
    if (!too_much || std::exchange(client.paused, true)) return;
    paused_.insert(client.id);
    out.items.emplace_back(PauseClient{client.id, true});
}

void Core::Impl::run_turns(Client& client, Outputs& out) {
    while (!client.waiting.empty() && client.phase == Client::Phase::kOpen) {
        const auto& front = client.waiting.front();
        if (front.what == Waiting::For::kCommit) return;
        if (front.what == Waiting::For::kSync && front.zxid > zxid_applied()) return;
        const auto turn = std::move(client.waiting.front());
        client.waiting.pop_front();
        client.waiting_bytes -= turn.frame.size();
        --outstanding_;
        Request request{.header{turn.xid, turn.op}, .body{}, .frame = turn.frame, .since = turn.since};
        if (turn.what == Waiting::For::kRefusal) {
            send_header(client, request, zxid_applied(), ErrorCode::kSystemError, out);
            continue;
        }
        wire::Decoder in(turn.frame);
        wire::decode(in, request.header);
        request.body = in.rest();
        answer(client, request, out);
    }
}

void Core::Impl::release_syncs(Outputs& out) {
    while (!syncs_.empty() && syncs_.begin()->first <= zxid_applied()) {
        auto* client = find(syncs_.begin()->second);
        syncs_.erase(syncs_.begin());
        if (client) run_turns(*client, out);
    }
}

/// Counted are also the writes of connections that are gone, else who comes again and again has no bound.
bool Core::Impl::too_many_in_flight() const {
    return std::max(outstanding_, pipeline_.in_flight()) > options_.outstanding_max;
}

void Core::Impl::resume_clients(Outputs& out) {
    if (paused_.empty() || too_many_in_flight()) return;
    std::erase_if(paused_, [&](ConnectionId id) {
        auto& client = *find(id);
        if (client.waiting_bytes > options_.client_queue_bytes_max) return false;
        client.paused = false;
        out.items.emplace_back(PauseClient{id, false});
        return true;
    });
}

}  // namespace zabd::core
