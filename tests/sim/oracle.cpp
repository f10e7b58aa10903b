#include "tests/sim/oracle.hpp"

#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::sim {

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
        case OpCode::kCloseSession: return true;
        default: return false;
    }
}

// --- in --------------------------------------------------------------------------------------------------------------

void Oracle::frame_in(ConnectionId id, std::string_view frame) {
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
    connection.asked.push_back({.xid = header.xid,
                                .op = header.op,
                                .body = std::string(in.rest()),
                                .may_be_refused = history_.any_room_limited(),
                                .room_limits = history_.room_limits});
    const auto& asked = connection.asked.back();
    if (is_write(asked.op))
        history_.asked(connection.session, asked.xid, {.op = asked.op, .body = asked.body, .server = server_});
    tell([&](Checker& checker) { checker.on_request(server_, id, connection.session, asked); });
}

void Oracle::appended(Zxid zxid, const Bytes& txn) {
    if (!follows(log_last_, zxid))
        violated("I-CONT",
                 fmt::format("server {} logs {:#x} behind {:#x}", number(server_), zxid.value, log_last_.value));
    log_.insert(zxid);
    log_last_ = zxid;
    const auto [record, first] = history_.append(server_, zxid, txn);
    if (first) tell([&](Checker& checker) { checker.on_proposed(record); });
}

void Oracle::truncated(Zxid zxid) {
    if (zxid < zxid_)
        violated("I-PREFIX", fmt::format("server {} cuts its log to {:#x}, and has applied {:#x}", number(server_),
                                         zxid.value, zxid_.value));
    log_.erase(log_.upper_bound(zxid), log_.end());
    log_last_ = std::min(log_last_, zxid);
    tell([&](Checker& checker) { checker.on_truncated(server_, zxid); });
}

void Oracle::replaced(Zxid zxid) {
    provisional_ = history_.snapshots_are_provisional;
    if (!provisional_ && !history_.committed(zxid))
        violated("I-PREFIX", fmt::format("server {} takes a state of {:#x}, which was never committed", number(server_),
                                         zxid.value));
    log_.clear();
    log_last_ = replaced_at_ = zxid;
    set_back_ = zxid < zxid_;
}

/// One that was never up to date may be given an older state than it had come to; nobody has seen that.
void Oracle::stepped(Zxid applied) {
    applied_ = applied;
    if (applied >= zxid_) return;
    const bool seen = std::ranges::any_of(connections_, [](const auto& one) { return one.second.greeted; });
    if (!set_back_ || applied < replaced_at_ || seen)
        violated("I-MONO", fmt::format("server {} stands at {:#x}, and was at {:#x}", number(server_), applied.value,
                                       zxid_.value));
    set_back_ = false;
    zxid_ = replaced_at_;
    model_ = history_.model_at(zxid_);
}

void Oracle::room_told(bool limited) {
    history_.room_limited[server_] = limited;
    if (limited) ++history_.room_limits;
}

// --- the model -------------------------------------------------------------------------------------------------------

void Oracle::advance_to(Zxid zxid) {
    while (zxid_ < zxid) {
        auto next = log_.upper_bound(zxid_);
        const bool logged = next != log_.end() && *next <= zxid;
        auto elsewhere = zxid_ < replaced_at_ ? history_.behind(zxid_) : std::nullopt;
        if (elsewhere && *elsewhere > zxid) elsewhere.reset();
        if (!logged && !elsewhere && zxid.counter() == 0) {
            zxid_ = zxid;  // the beginning of an epoch, where a state stands that came from ZooKeeper
            return;
        }
        if (!logged && !elsewhere)
            violated("I-DUR", fmt::format("server {} tells of zxid {:#x}, which is not in its log", number(server_),
                                          zxid.value));
        commit(logged && (!elsewhere || *next < *elsewhere) ? *next : *elsewhere);
    }
}

void Oracle::commit(Zxid zxid) {
    const bool first = history_.commit(server_, zxid_, zxid);
    const auto& record = history_.record(zxid);
    zxid_ = zxid;
    auto outcome = History::carry_out(record, model_);
    if (first) history_.keep(zxid, model_);
    tell([&](Checker& checker) { checker.on_committed({server_, record, outcome, first}, model_); });
    if (record.request) bind(record, std::move(outcome));
}

void Oracle::bind(const History::Record& record, Outcome outcome) {
    const auto owner = owners_.find(record.header.session);
    if (owner == owners_.end()) return;
    auto& asked = connections_.at(owner->second).asked;
    const auto found =
        std::ranges::find_if(asked, [&](const Asked& one) { return one.xid == record.header.xid && is_write(one.op); });
    if (found == asked.end()) return;
    found->zxid = record.header.zxid;
    found->outcome = std::move(outcome);
}

// --- out -------------------------------------------------------------------------------------------------------------

void Oracle::frame_out(ConnectionId id, std::string_view frame) {
    const auto found = connections_.find(id);
    if (found == connections_.end())
        violated("I-FIFO", fmt::format("a frame for connection {}, which is closed", number(id)));
    auto& connection = found->second;
    if (!connection.greeted) return greeting_out(id, connection, frame);
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

void Oracle::greeting_out(ConnectionId id, Connection& connection, std::string_view frame) {
    const auto reply = wire::decode_connect_reply(frame);
    ZABD_ASSERT(reply.has_value());
    connection.greeted = true;
    if (reply->session != SessionId::kNone) {
        // It was opened by a transaction that has been carried out by now.
        while (!model_.sessions().contains(reply->session) && zxid_ < applied_) {
            const auto next = log_.upper_bound(zxid_);
            advance_to(next == log_.end() ? applied_ : *next);
        }
        if (connection.asked_for == SessionId::kNone) history_.passwords[reply->session] = reply->password;
    }
    const auto known = history_.passwords.find(connection.asked_for);
    const bool right = known != history_.passwords.end() && known->second == connection.password;
    if (reply->session != SessionId::kNone) {
        connection.session = reply->session;
        owners_[reply->session] = id;
    }
    const Greeting greeting{server_, id, connection.asked_for, right, ended(connection.asked_for), *reply};
    tell([&](Checker& checker) { checker.on_greeting(greeting, model_); });
}

/// By what the server has applied and the model has not.
bool Oracle::ended(SessionId session) const {
    return std::any_of(log_.upper_bound(zxid_), log_.upper_bound(applied_), [&](Zxid zxid) {
        const auto& header = history_.record(zxid).header;
        return header.session == session && header.type == OpCode::kCloseSession;
    });
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
    if (history_.room_limits != asked->room_limits) asked->may_be_refused = true;
    tell([&](Checker& checker) { checker.on_reply({server_, id, connection.session, *asked, header, body}, model_); });
    if (is_write(asked->op) && asked->zxid != Zxid{}) history_.acknowledge(asked->zxid);
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

void Oracle::batch_end(const core::Core& core, const DiskFacts& disk, Now now, std::size_t frames) {
    const auto status = core.status();
    // What nobody is told of is not judged, until it is said to be committed.
    if (provisional_ && !status.serving) return;
    provisional_ = false;
    advance_to(status.zxid_applied);
    if (!set_back_ && zxid_ > disk.log_durable)
        violated("I-DUR", fmt::format("server {} has applied {:#x}, its log is durable up to {:#x}", number(server_),
                                      zxid_.value, disk.log_durable.value));
    if (!set_back_) log_.erase(log_.begin(), log_.upper_bound(zxid_));
    history_.compare_digest(server_, zxid_, status.digest);
    std::size_t unanswered = 0;
    for (const auto& [id, connection] : connections_) unanswered += connection.asked.size();
    const BatchEnd end{.server = server_,
                       .core = core,
                       .status = status,
                       .disk = disk,
                       .history = history_,
                       .now = now,
                       .unanswered = unanswered,
                       .connections = connections_.size(),
                       .frames = frames};
    tell([&](Checker& checker) { checker.on_batch_end(end, model_); });
}

// --- lives -----------------------------------------------------------------------------------------------------------

void Oracle::went_down() {
    connections_.clear();
    owners_.clear();
    history_.room_limited[server_] = false;
    tell([&](Checker& checker) { checker.on_down(server_); });
}

void Oracle::recovered(const Recovery& recovery, std::set<Zxid> log, bool alone) {
    log_ = std::move(log);
    log_last_ = log_.empty() ? recovery.disk.log_durable : *log_.rbegin();
    replaced_at_ = Zxid{};
    set_back_ = false;
    applied_ = recovery.zxid;
    if (alone) {
        if (recovery.zxid < zxid_)
            violated("I-DUR", fmt::format("recovered up to zxid {:#x}, but {:#x} had been told of", recovery.zxid.value,
                                          zxid_.value));
        advance_to(recovery.zxid);
        history_.forget_behind(recovery.zxid);
    } else {
        if (!history_.committed(recovery.zxid))
            violated("I-DUR", fmt::format("server {} starts with a state of {:#x}, which was never committed",
                                          number(server_), recovery.zxid.value));
        zxid_ = recovery.zxid;
        model_ = history_.model_at(zxid_);
    }
    tell([&](Checker& checker) { checker.on_recovery(recovery, model_); });
}

// --- servers that are not zabd ---------------------------------------------------------------------------------------

void Oracle::starts_anew(std::set<Zxid> log, Zxid snapshot) {
    log_ = std::move(log);
    log_last_ = std::max(snapshot, log_.empty() ? Zxid{} : *log_.rbegin());
    replaced_at_ = snapshot;
}

void Oracle::carried_out(Zxid zxid, std::uint64_t digest) {
    advance_to(zxid);
    if (zxid == zxid_) history_.compare_digest(server_, zxid, digest);  // a later life may stand where it stood before
}

}  // namespace zabd::sim
