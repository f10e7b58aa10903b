#include "server/core/authentication.hpp"
#include "server/core/core_impl.hpp"
#include "server/core/request_paths.hpp"
#include "server/core/write_replies.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace zabd::core {
namespace {

using wire::ErrorCode;
using wire::OpCode;

/// Answered from this server's state, in the session's order.
bool is_answered_here(OpCode op) {
    return is_read(op) || op == OpCode::kSync || op == OpCode::kSetWatches || op == OpCode::kSetWatches2;
}

/// As a standalone server answers, whether the operation is switched on or off.
ErrorCode refusal_of_reconfig(std::string_view body, const Options& options) {
    if (!wire::decoded<wire::ReconfigRequest>(body)) return ErrorCode::kMarshallingError;
    return options.reconfig_enabled ? ErrorCode::kUnimplemented : ErrorCode::kReconfigDisabled;
}

/// Can the transaction be what became of the request? Its session's end, say, bears an xid that a client may use too.
bool may_become(OpCode op, OpCode txn) { return txn == OpCode::kError || txn == op; }

}  // namespace

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

void Core::Impl::request(Client& client, std::string_view frame, Instant since, Outputs& out) {
    Request request{.header{}, .body{}, .frame = frame, .since = since};
    wire::Decoder in(frame);
    wire::decode(in, request.header);
    if (in.failed()) return close(client, out);
    request.body = in.rest();
    client.status.last_op = request.header.op;
    if (request.header.xid >= 0) client.status.last_xid = request.header.xid;
    if (path_loads_.due()) count_load(request);

    if (request.header.op == OpCode::kAuth || request.header.op == OpCode::kSasl)
        return authenticate(client, request, out);
    if (!satisfies_enforced(client.identities, options_)) {
        send_header(client, request, Zxid{}, ErrorCode::kSessionClosedRequireAuth, out);
        return close(client, out);
    }
    if (!touch(client)) return void(client.dropped = true);  // it has ended: it learns so from its connection's end
    if (request.header.op == OpCode::kPing) {
        request.header.xid = wire::kXidPing;
        return send_header(client, request, zxid_applied(), ErrorCode::kOk, out);
    }
    if (read_only_ && (is_write(request.header.op) || request.header.op == OpCode::kSync))
        return take_write_read_only(client, request, out);
    if (is_write(request.header.op)) return take_write(client, request, out);
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
    // They go along with each request that is forwarded.
    const auto bytes = std::accumulate(
        client.identities.begin(), client.identities.end(), request.frame.size(),
        [](std::size_t sum, const wire::Id& identity) { return sum + identity.scheme.size() + identity.id.size(); });
    const bool room = client.identities.size() < options_.identities_max && bytes < options_.packet_bytes_max / 2;
    auto identities = packet && room ? core::authenticate(*packet, options_) : std::nullopt;
    send_header(client, request, Zxid{}, identities ? ErrorCode::kOk : ErrorCode::kAuthFailed, out);
    if (!identities) {
        ++status_.auth_failures;
        audit_refused(client, OpCode::kAuth, {}, ErrorCode::kAuthFailed, out);
        return close(client, out);
    }
    for (auto& identity : *identities)
        if (std::ranges::find(client.identities, identity) == client.identities.end())
            client.identities.push_back(std::move(identity));
}

/// One of the sample. What a read brings is known by the size of the node.
void Core::Impl::count_load(const Request& request) {
    const bool write = is_write(request.header.op);
    for (const auto& [op, path] : touched_by(request.header.op, request.body)) {
        if (path.empty()) continue;
        const auto* node = op == OpCode::kGetData ? pipeline_.state().tree.find(path) : nullptr;
        path_loads_.count(path, write, write ? request.frame.size() : node ? node->data.size() : 0);
    }
}

void Core::Impl::answer_unknown(Client& client, const Request& request, Outputs& out) {
    send_header(client, request, kZxidUnknown, ErrorCode::kUnimplemented, out);
    close(client, out);
}

// --- writes ----------------------------------------------------------------------------------------------------------

void Core::Impl::take_write(Client& client, const Request& request, Outputs& out) {
    const auto op = request.header.op;
    if (!has_room_for(op, request.frame.size())) {
        ++status_.writes_refused;
        return refuse_write(client, request, ErrorCode::kSystemError, out);
    }
    Waiting waiting{.what = Waiting::For::kWrite, .xid = request.header.xid, .op = op, .since = request.since};
    if (!pipeline_.alone() || options_.audit) waiting.frame = request.frame;
    wait(client, std::move(waiting), out);
    submit(client, request.header, request.body, out);
}

/// A learner leaves that to its leader.
bool Core::Impl::has_room_for(OpCode op, std::size_t bytes) const {
    return !leads() || op == OpCode::kCloseSession || pipeline_.has_room(bytes, options_.log_reserve_bytes);
}

void Core::Impl::submit(Client& client, const wire::RequestHeader& header, std::string_view body, Outputs& out) {
    if (!leads()) return forward(client, header, body, out);
    prepare({client.session, header.xid, client.identities, now_.wall}, header.op, body, out);
}

void Core::Impl::prepare(const Asker& asker, OpCode op, std::string_view body, Outputs& out) {
    switch (op) {
        case OpCode::kCreateSession:
            return pipeline_.submit_create_session(asker, Millis(wire::decoded<std::int32_t>(body).value()), out);
        case OpCode::kCloseSession: return pipeline_.submit_close_session(asker, out);
        case OpCode::kReconfig: return pipeline_.submit_error(asker, refusal_of_reconfig(body, options_), out);
        default: return pipeline_.submit(asker, op, body, out);
    }
}

/// A session that only this server knows may be closed; nothing else can be done without a leader.
void Core::Impl::take_write_read_only(Client& client, const Request& request, Outputs& out) {
    if (request.header.op != OpCode::kCloseSession || readers_.erase(client.session) == 0)
        return refuse_write(client, request, ErrorCode::kNotReadOnly, out);
    send_header(client, request, zxid_applied(), ErrorCode::kOk, out);
    close(client, out);
}

/// Before anything of it is in the log, and in its turn.
void Core::Impl::refuse_write(Client& client, const Request& request, ErrorCode error, Outputs& out) {
    audit_refused(client, request.header.op, request.body, error, out);
    if (client.waiting.empty()) return send_header(client, request, zxid_applied(), error, out);
    const auto& header = request.header;
    wait(client,
         {.what = Waiting::For::kRefusal, .xid = header.xid, .op = header.op, .error = error, .since = request.since},
         out);
}

void Core::Impl::answer_write(const wire::TxnHeader& header, Outputs& out) {
    const auto owner = owners_.find(header.session);
    auto* client = owner == owners_.end() ? nullptr : find(owner->second);
    if (!client || client->waiting.empty()) return;
    // Only the front can be the one: a session's writes commit in the order in which it sent them.
    const auto& front = client->waiting.front();
    const bool its_own = front.what == Waiting::For::kWrite && front.xid == header.xid &&
                         header.zxid > client->attached_at && may_become(front.op, header.type);
    if (!its_own) return;
    const auto done = take_front(*client);
    const auto& results = pipeline_.changes().results;
    const bool failed = header.type == OpCode::kError;
    audit_applied(*client, done, header, out);
    if (failed && results.front().error == ErrorCode::kSessionMoved) return close(*client, out);
    if (done.op == OpCode::kCreateSession) {
        if (failed) return close(*client, out);
        client->attached_at = header.zxid;
        greet(*client, out);
    } else {
        ReplyWriter writer(out.bytes);
        const auto error = write_reply(done.op, header.type, results, writer.encoder());
        send_reply(*client, writer, {{done.xid, zxid_applied(), error}, done.since, false, done.op}, out);
    }
    // Whether or not anybody leads: the next write may be committed already, and must not be hidden by a read before it.
    while (turn_is_next(*client)) answer_turn(*client, out);
    take_up(*client, out);
}

// --- reads -----------------------------------------------------------------------------------------------------------

void Core::Impl::take(Client& client, const Request& request, Outputs& out) {
    const auto& header = request.header;
    const bool alone = pipeline_.alone();
    // A server alone has nobody who could know more; there a sync waits for what is in flight here.
    const bool must_not_be_stale =
        header.op == OpCode::kSync || (options_.linearizable_reads && !alone && !read_only_ && is_read(header.op));
    const bool barrier = must_not_be_stale && (!alone || zab().zxid_proposed() > zxid_applied());
    if (client.waiting.empty() && !barrier) return answer(client, request, out);
    Waiting waiting{.xid = header.xid, .op = header.op, .since = request.since, .frame = std::string(request.frame)};
    if (barrier) {
        waiting.what = Waiting::For::kBarrier;
        ++client.barriers;
        waiting.group = alone ? syncs_.join_settled(client.id, zab().zxid_proposed()) : syncs_.join(client.id);
    }
    wait(client, std::move(waiting), out);
    if (barrier) ask_sync(out);
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
    send_reply(client, writer,
               {{request.header.xid, zxid_applied(), outcome.error}, request.since, outcome.keep_body, op}, out);
}

// --- order -----------------------------------------------------------------------------------------------------------

void Core::Impl::wait(Client& client, Waiting waiting, Outputs& out) {
    ++outstanding_;
    client.frame_bytes += waiting.frame.size();
    client.waiting.push_back(std::move(waiting));
    pause_if_too_much(client, out);
}

void Core::Impl::pause_if_too_much(Client& client, Outputs& out) {
    const bool too_much = too_many_in_flight() || client.frame_bytes > options_.client_queue_bytes_max;
    if (!too_much || std::exchange(client.paused, true)) return;
    paused_.insert(client.id);
    out.items.emplace_back(PauseClient{client.id, true});
}

Waiting Core::Impl::take_front(Client& client) {
    auto front = std::move(client.waiting.front());
    client.waiting.pop_front();
    client.frame_bytes -= front.frame.size();
    if (front.lost) --client.lost;
    if (front.what == Waiting::For::kBarrier) --client.barriers;
    --outstanding_;
    return front;
}

void Core::Impl::run_turns(Client& client, Outputs& out) {
    while (!client.waiting.empty() && client.phase == Client::Phase::kOpen) {
        const auto& front = client.waiting.front();
        if (front.what == Waiting::For::kWrite) return;
        if (front.what == Waiting::For::kBarrier && (front.lost || !syncs_.passed(front.group))) return;
        if (!answers()) return hold_back(client);
        answer_turn(client, out);
    }
}

bool Core::Impl::turn_is_next(const Client& client) {
    using enum Waiting::For;
    return !client.waiting.empty() && (client.waiting.front().what == kTurn || client.waiting.front().what == kRefusal);
}

void Core::Impl::answer_turn(Client& client, Outputs& out) {
    const auto turn = take_front(client);
    Request request{.header{turn.xid, turn.op}, .body{}, .frame = turn.frame, .since = turn.since};
    if (turn.what == Waiting::For::kRefusal) return send_header(client, request, zxid_applied(), turn.error, out);
    wire::Decoder in(turn.frame);
    wire::decode(in, request.header);
    request.body = in.rest();
    answer(client, request, out);
}

/// A write behind a sync that is not confirmed yet is not even submitted: it could be applied first, and what the session
/// asked before it would show it.
bool Core::Impl::must_wait(const Client& client, std::string_view frame) const {
    if (client.barriers == 0 || pipeline_.alone()) return false;
    const auto header = wire::decoded<wire::RequestHeader>(frame);
    return header && is_write(header->op);
}

void Core::Impl::release_syncs(Outputs& out) {
    for (auto passed = syncs_.pass(zxid_applied()); !passed.empty(); passed = syncs_.pass(zxid_applied()))
        for (const auto id : passed)
            if (auto* client = find(id)) take_up(*client, out);
}

/// Submitted here and not applied, whether or not its client is still there.
std::size_t Core::Impl::in_flight() const { return std::max(pipeline_.in_flight(), forwarded_.size()); }

/// Counted are also the writes of connections that are gone, else who comes again and again has no bound.
bool Core::Impl::too_many_in_flight() const { return std::max(outstanding_, in_flight()) > options_.outstanding_max; }

void Core::Impl::resume_clients(Outputs& out) {
    if (paused_.empty() || too_many_in_flight()) return;
    std::erase_if(paused_, [&](ConnectionId id) {
        auto& client = *find(id);
        if (client.frame_bytes > options_.client_queue_bytes_max) return false;
        client.paused = false;
        out.items.emplace_back(PauseClient{id, false});
        return true;
    });
}

}  // namespace zabd::core
