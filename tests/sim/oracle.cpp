#include "tests/sim/oracle.hpp"

#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::sim {

using wire::OpCode;

namespace {

std::string_view body_of(const Bytes& txn) {
    wire::Decoder in(txn.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    return in.rest();
}

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
        case OpCode::kCloseSession: return true;
        default: return false;
    }
}

// --- in --------------------------------------------------------------------------------------------------------------

void Oracle::frame_in(ConnectionId id, std::string_view frame, Now now) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    if (!std::exchange(connection.greeting_sent, true)) {
        const auto request = wire::decode_connect_request(frame);
        ZABD_ASSERT(request.has_value());
        connection.asked_for = request->session;
        const auto password = request->password.value_or("");
        std::copy_n(password.begin(), std::min(password.size(), connection.password.size()),
                    connection.password.begin());
        return;
    }
    wire::Decoder in(frame);
    wire::RequestHeader header;
    wire::decode(in, header);
    ZABD_ASSERT(!in.failed());
    connection.asked.push_back(
        {.xid = header.xid, .op = header.op, .body = std::string(in.rest()), .may_be_refused = room_limited_});
    tell([&](Checker& checker) { checker.on_request(id, connection.session, connection.asked.back(), now); });
}

Oracle::Connection* Oracle::owner_of(SessionId session, ConnectionId& id) {
    const auto owner = owners_.find(session);
    if (owner == owners_.end()) return nullptr;
    id = owner->second;
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : &found->second;
}

void Oracle::proposed(Zxid zxid, const Bytes& txn, Now now) {
    const auto header = wire::decoded<wire::TxnHeader>(txn.view());
    ZABD_ASSERT(header && header->zxid == zxid);
    if (!proposals_.empty() && !follows(proposals_.back().header.zxid, zxid))
        violated("I-CONT",
                 fmt::format("zxid {:#x} proposed behind {:#x}", zxid.value, proposals_.back().header.zxid.value));
    Proposal proposal{.header = *header, .txn = txn, .asked = {}};
    if (auto* connection = owner_of(header->session, proposal.asker)) {
        const auto asked = std::ranges::find_if(connection->asked, [&](const Asked& one) {
            return one.xid == header->xid && one.zxid == Zxid{} && is_write(one.op);
        });
        if (asked != connection->asked.end()) {
            asked->zxid = zxid;
            proposal.asked = *asked;
        }
    }
    proposals_.push_back(std::move(proposal));
    tell([&](Checker& checker) { checker.on_proposed(*header, now); });
}

void Oracle::room_told(bool limited) {
    room_limited_ = limited;
    if (!limited) return;
    for (auto& [id, connection] : connections_)
        for (auto& asked : connection.asked) asked.may_be_refused = true;
}

// --- the model -------------------------------------------------------------------------------------------------------

void Oracle::advance_to(Zxid zxid) {
    while (zxid_ < zxid) {
        if (proposals_.empty())
            violated("I-DUR", fmt::format("zxid {:#x} is told of, but was never proposed", zxid.value));
        const auto proposal = std::move(proposals_.front());
        proposals_.pop_front();
        commit(proposal);
    }
}

void Oracle::commit(const Proposal& proposal) {
    zxid_ = proposal.header.zxid;
    auto outcome = carry_out(proposal);
    tell([&](Checker& checker) { checker.on_committed({proposal.header, proposal.txn, outcome}, model_); });
    if (!proposal.asked) return;
    const auto found = connections_.find(proposal.asker);
    if (found == connections_.end()) return;
    const auto asked = std::ranges::find(found->second.asked, proposal.header.zxid, &Asked::zxid);
    if (asked != found->second.asked.end()) asked->outcome = std::move(outcome);
}

Outcome Oracle::carry_out(const Proposal& proposal) {
    const auto& header = proposal.header;
    const Model::Place place{header.zxid, header.time_ms, header.session};
    if (header.type == OpCode::kCreateSession) {
        const auto txn = wire::decoded<wire::CreateSessionTxn>(body_of(proposal.txn));
        ZABD_ASSERT(txn.has_value());
        if (model_.sessions().contains(header.session))
            violated("I-SESS", fmt::format("session {:#x} was given twice", number(header.session)));
        model_.open_session(header.session, txn->timeout_ms);
        return {};
    }
    if (header.type == OpCode::kCloseSession) {
        if (!model_.sessions().contains(header.session))
            violated("I-SESS", fmt::format("session {:#x} was closed twice", number(header.session)));
        return model_.close_session(place);
    }
    if (header.session == SessionId::kNone) {
        if (header.type != OpCode::kDeleteContainer) return {};
        const auto txn = wire::decoded<wire::DeleteTxn>(body_of(proposal.txn));
        ZABD_ASSERT(txn.has_value());
        auto outcome = model_.reap(txn->path, place);
        if (outcome.error != wire::ErrorCode::kOk)
            violated("I-MODEL", fmt::format("{} was reaped, which was not to go", txn->path));
        return outcome;
    }
    if (!proposal.asked)
        violated("I-MODEL", fmt::format("transaction {:#x} of session {:#x} was never asked for", header.zxid.value,
                                        number(header.session)));
    return model_.write(proposal.asked->op, proposal.asked->body, place);
}

// --- out -------------------------------------------------------------------------------------------------------------

void Oracle::frame_out(ConnectionId id, std::string_view frame, Now now) {
    const auto found = connections_.find(id);
    if (found == connections_.end())
        violated("I-FIFO", fmt::format("a frame for connection {}, which is closed", number(id)));
    auto& connection = found->second;
    if (!connection.greeted) return greeting_out(id, connection, frame, now);
    wire::Decoder in(frame);
    wire::ReplyHeader header;
    wire::decode(in, header);
    ZABD_ASSERT(!in.failed());
    if (header.zxid != kZxidUnknown) {
        advance_to(header.zxid);
        if (zxid_ != header.zxid)
            violated("I-MONO", fmt::format("a frame of zxid {:#x} behind {:#x}", header.zxid.value, zxid_.value));
    }
    if (header.xid == wire::kXidWatchEvent) return event_out(id, connection, header, in.rest());
    reply_out(id, connection, header, in.rest());
}

void Oracle::greeting_out(ConnectionId id, Connection& connection, std::string_view frame, Now now) {
    const auto reply = wire::decode_connect_reply(frame);
    ZABD_ASSERT(reply.has_value());
    connection.greeted = true;
    if (reply->session != SessionId::kNone && connection.asked_for == SessionId::kNone) {
        // A new one: its transaction is the next that is carried out.
        while (!model_.sessions().contains(reply->session)) {
            if (proposals_.empty())
                violated("I-DUR", fmt::format("session {:#x} greeted before it was logged", number(reply->session)));
            advance_to(proposals_.front().header.zxid);
        }
        passwords_[reply->session] = reply->password;
    }
    const auto known = passwords_.find(connection.asked_for);
    const bool right = known != passwords_.end() && known->second == connection.password;
    if (reply->session != SessionId::kNone) {
        connection.session = reply->session;
        owners_[reply->session] = id;
    }
    tell([&](Checker& checker) { checker.on_greeting({id, connection.asked_for, right, *reply}, model_, now); });
}

void Oracle::event_out(ConnectionId id, const Connection& connection, const wire::ReplyHeader& header,
                       std::string_view body) {
    const auto event = wire::decoded<wire::WatcherEvent>(body);
    ZABD_ASSERT(event.has_value());
    const auto* next = connection.asked.empty() ? nullptr : &connection.asked.front();
    tell([&](Checker& checker) { checker.on_event(id, header.zxid, *event, next, model_); });
}

void Oracle::reply_out(ConnectionId id, Connection& connection, const wire::ReplyHeader& header,
                       std::string_view body) {
    const bool ping = header.xid == wire::kXidPing;  // overtakes what waits
    const auto asked =
        std::ranges::find_if(connection.asked, [&](const Asked& one) { return (one.op == OpCode::kPing) == ping; });
    if (asked == connection.asked.end() || (!ping && asked->xid != header.xid))
        violated("I-FIFO", fmt::format("connection {} is answered xid {}, but {} is next", number(id), header.xid,
                                       asked == connection.asked.end() ? 0 : asked->xid));
    tell([&](Checker& checker) { checker.on_reply({id, connection.session, *asked, header, body}, model_); });
    connection.asked.erase(asked);
}

void Oracle::closed(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const auto owner = owners_.find(found->second.session);
    if (owner != owners_.end() && owner->second == id) owners_.erase(owner);
    connections_.erase(found);
    tell([&](Checker& checker) { checker.on_closed(id); });
}

void Oracle::batch_end(const core::Core& core, Now now, std::size_t frames) {
    advance_to(core.status().zxid_applied);
    std::size_t unanswered = 0;
    for (const auto& [id, connection] : connections_) unanswered += connection.asked.size();
    const BatchEnd end{core, now, unanswered, connections_.size(), frames};
    tell([&](Checker& checker) { checker.on_batch_end(end, model_); });
}

// --- lives -----------------------------------------------------------------------------------------------------------

void Oracle::went_down() {
    connections_.clear();
    owners_.clear();
    room_limited_ = false;
    tell([](Checker& checker) { checker.on_down(); });
}

void Oracle::recovered(const Recovery& recovery) {
    if (recovery.zxid < zxid_)
        violated("I-DUR", fmt::format("recovered up to zxid {:#x}, but {:#x} had been told of", recovery.zxid.value,
                                      zxid_.value));
    advance_to(recovery.zxid);
    proposals_.clear();  // they were never durable
    tell([&](Checker& checker) { checker.on_recovery(recovery, model_); });
}

}  // namespace zabd::sim
