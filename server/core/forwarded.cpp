// What a learner asks its leader: writes, syncs, whether a session is open; and who is alive. On both sides.
#include "server/core/core_impl.hpp"
#include "znode/owner.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace zabd::core {

using wire::ErrorCode;
using wire::OpCode;
using wire::PacketType;

// --- a learner asks --------------------------------------------------------------------------------------------------

void Core::Impl::forward(const Client& client, const wire::RequestHeader& header, std::string_view body, Outputs& out) {
    wire::QuorumPacket packet{PacketType::kRequest, kZxidUnknown,
                              wire::encoded_request({client.session, header.xid, header.op, body})};
    if (header.op != OpCode::kCreateSession) packet.identities = client.identities;
    forwarded_.emplace_back(client.session, header.xid);
    peers_.send(leader_link_, packet, out);
}

void Core::Impl::ask_leader(const Client& client, Outputs& out) {
    sessions_.ask(client.session, client.id);
    const wire::SessionTouch touch{client.session, static_cast<std::int32_t>(client.timeout.count())};
    const auto data = wire::encoded(touch);
    peers_.send(leader_link_, {PacketType::kRevalidate, kZxidUnknown, Bytes::copy_of(std::string_view(data))}, out);
}

/// The next group of syncs is asked for, unless there is none or a question is on its way.
void Core::Impl::ask_sync(Outputs& out) {
    if (!syncs_.must_ask() || !available()) return;
    const auto* client = find(syncs_.ask());
    if (leads()) {
        sync_bound_ = zab().zxid_proposed();
        pipeline_.tell(zab::Confirm{}, out);
    } else {
        const auto session = client ? client->session : SessionId::kNone;
        const auto body = wire::encoded(wire::PathRequest{"/"});
        const auto request = wire::encoded_request({session, 0, OpCode::kSync, body});
        peers_.send(leader_link_, {PacketType::kRequest, kZxidUnknown, request}, out);
    }
}

void Core::Impl::carry_out(const zab::Confirmed&, Outputs& out) {
    if (!serving_ || !syncs_.asking()) return;
    for (const auto link : syncs_.settle(sync_bound_)) learners_.owe(link, {sync_bound_});
    ask_sync(out);
}

// --- and hears -------------------------------------------------------------------------------------------------------

void Core::Impl::carry_out(zab::ForCore& from, Outputs& out) {
    if (from.link == leader_link_) {
        if (!serving_) return;
        if (from.packet.type == PacketType::kRevalidate) return take_validity(from, out);
        if (!syncs_.asking()) return;
        syncs_.settle(zab().zxid_committed());
        return ask_sync(out);
    }
    if (from.packet.type == PacketType::kPing) return take_touches(from);
    if (deferred_.empty() && available()) return take_forwarded(from, out);
    deferred_.push_back(std::move(from));
}

void Core::Impl::take_validity(const zab::ForCore& from, Outputs& out) {
    const auto validity = wire::decoded<wire::SessionValidity>(from.packet.data.view());
    if (!validity) return peers_.fail(from.link, "an answer to REVALIDATE that is none", out);
    sessions_.answer(validity->session, validity->valid, zab().zxid_committed());
}

// --- a leader is asked -----------------------------------------------------------------------------------------------

void Core::Impl::take_forwarded(const zab::ForCore& from, Outputs& out) {
    if (!learners_.contains(from.link)) return;
    if (from.packet.type == PacketType::kRevalidate) return take_revalidation(from, out);
    take_request(from, out);
}

void Core::Impl::take_touches(const zab::ForCore& from) {
    for (const auto& touch : wire::decode_touches(from.packet.data.view())) {
        if (touch.timeout_ms > 0 && pipeline_.accepts(touch.session))
            sessions_.touch(touch.session, Millis(touch.timeout_ms), now_.monotonic);
    }
}

/// Whoever takes a session over owns it from here on, so that what its earlier server still sends is refused.
void Core::Impl::take_revalidation(const zab::ForCore& from, Outputs& out) {
    const auto touch = wire::decoded<wire::SessionTouch>(from.packet.data.view());
    if (!touch || touch->session == SessionId::kNone) return peers_.fail(from.link, "a REVALIDATE that is none", out);
    if (pipeline_.accepts(touch->session)) {
        sessions_.set_owner(touch->session, from.link);
        if (touch->timeout_ms > 0) sessions_.touch(touch->session, Millis(touch->timeout_ms), now_.monotonic);
        close_owner(touch->session, out);
    }
    learners_.owe(from.link, {zab().zxid_proposed(), touch->session});
}

void Core::Impl::take_request(const zab::ForCore& from, Outputs& out) {
    const auto request = wire::decode_request(from.packet.data.view());
    if (!request) return peers_.fail(from.link, "a REQUEST that is none", out);
    if (request->op == OpCode::kSync) {
        if (learners_.is_zookeeper(from.link))
            return learners_.owe(from.link, {zab().zxid_proposed()}), answer_learners(out);
        syncs_.join(from.link);
        return ask_sync(out);
    }
    Asker asker{.session = request->session, .xid = request->xid, .time = now_.wall};
    if (from.packet.identities) asker.identities = *from.packet.identities;
    const auto error = refusal_of(*request, from.link);
    if (error == ErrorCode::kOk) {
        if (request->op == OpCode::kCreateSession) sessions_.set_owner(request->session, from.link);
        return prepare(asker, request->op, request->body, out);
    }
    if (error == ErrorCode::kSystemError) ++status_.writes_refused;
    // Its learner waits for an answer, and that is a transaction: there must be room for it at least.
    if (!pipeline_.has_room(0, options_.log_reserve_bytes / 2))
        return peers_.fail(from.link, "the disk is full, even for refusals", out);
    pipeline_.submit_error(asker, error, out);
}

ErrorCode Core::Impl::refusal_of(const wire::ForwardedRequest& request, LinkId link) {
    const auto reserve = options_.log_reserve_bytes;
    if (request.op == OpCode::kCreateSession) {
        if (wire::decoded<std::int32_t>(request.body).value_or(0) <= 0) return ErrorCode::kMarshallingError;
        const bool can_be = znode::kind_of(static_cast<std::int64_t>(request.session)) == znode::Kind::kEphemeral;
        if (!can_be || pipeline_.knows(request.session)) return ErrorCode::kSessionExpired;
        return pipeline_.has_room(0, reserve / 4) ? ErrorCode::kOk : ErrorCode::kSystemError;
    }
    if (!pipeline_.accepts(request.session)) return ErrorCode::kSessionExpired;
    if (!sessions_.is_owner(request.session, link)) return ErrorCode::kSessionMoved;
    if (!is_write(request.op)) return ErrorCode::kUnimplemented;
    if (request.op == OpCode::kCloseSession) return ErrorCode::kOk;
    return pipeline_.has_room(request.body.size(), reserve) ? ErrorCode::kOk : ErrorCode::kSystemError;
}

void Core::Impl::answer_learners(Outputs& out) {
    while (const auto due = learners_.next_due()) {
        const auto& [link, answer] = *due;
        if (answer.session == SessionId::kNone) {
            peers_.send(link, {PacketType::kSync, Zxid{}, {}}, out);
            continue;
        }
        const auto data = wire::encoded(wire::SessionValidity{answer.session, pipeline_.accepts(answer.session)});
        peers_.send(link, {PacketType::kRevalidate, kZxidUnknown, Bytes::copy_of(std::string_view(data))}, out);
    }
}

}  // namespace zabd::core
