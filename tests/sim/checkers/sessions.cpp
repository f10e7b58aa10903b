#include "tests/sim/checkers/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::OpCode;

namespace {

/// A learner's answers to pings tell of its sessions; they are on their way for a while.
constexpr Duration kOnItsWay = milliseconds(300);

bool leads(const core::Status& status) {
    return status.serving &&
           (status.state == core::ServerState::kLeading || status.state == core::ServerState::kStandalone);
}

}  // namespace

void SessionsChecker::on_request(ServerId server, ConnectionId, SessionId id, const Asked&) {
    const auto session = sessions_.find(id);
    if (session != sessions_.end() && session->second.closing == Zxid{}) session->second.heard[server] = queue_.now();
}

void SessionsChecker::on_proposed(const History::Record& record) {
    const auto& header = record.header;
    if (header.type != OpCode::kCloseSession) return;
    auto& session = sessions_[header.session];
    if (session.closing != Zxid{} && session.closing.epoch() == header.zxid.epoch())
        violated("I-SESS", fmt::format("session {:#x} is closed twice", number(header.session)));
    session.closing = header.zxid;
    if (header.xid == 0) judge_expiry(record, session);
}

void SessionsChecker::judge_expiry(const History::Record& record, const Session& session) const {
    const auto judge = [&](Time heard, Duration slack) {
        const auto silent = queue_.now() - heard;
        if (silent + slack >= session.timeout) return;
        violated("I-SESS",
                 fmt::format("session {:#x} expires after {} ms of silence, its timeout is {} ms",
                             number(record.header.session), silent.count() / 1000, session.timeout.count() / 1000));
    };
    if (const auto since = leads_since_.find(record.proposer); since != leads_since_.end())
        judge(since->second, milliseconds(1));
    if (const auto here = session.heard.find(record.proposer); here != session.heard.end())
        judge(here->second, milliseconds(1));
    if (!settled_) return;
    for (const auto& [server, heard] : session.heard)
        if (heard > *settled_) judge(heard, tick_ + kOnItsWay);
}

void SessionsChecker::on_committed(const Committed& committed, const Model& model) {
    const auto& header = committed.record.header;
    const auto id = header.session;
    if (header.type == OpCode::kCreateSession && committed.first) {
        auto& session = sessions_[id];
        session.heard[committed.record.proposer] = queue_.now();
        session.timeout = milliseconds(model.sessions().at(id));
    }
    if (header.type == OpCode::kCloseSession) {
        closed_now_.insert(id);
        if (!model.ephemerals_of(id).empty())
            violated("I-SESS", fmt::format("session {:#x} is closed and owns ephemerals", number(id)));
    }
}

bool SessionsChecker::serves(ServerId server, SessionId session) const {
    return std::ranges::any_of(
        served_, [&](const auto& one) { return one.second.server == server && one.second.session == session; });
}

void SessionsChecker::on_greeting(const Greeting& greeting, const Model& model) {
    const auto id = greeting.reply.session;
    if (id == SessionId::kNone) {
        const auto asked_for = sessions_.find(greeting.asked_for);
        const bool open = model.sessions().contains(greeting.asked_for) && !greeting.over &&
                          asked_for != sessions_.end() && asked_for->second.closing == Zxid{};
        if (open && greeting.right_password)
            violated("I-SESS",
                     fmt::format("session {:#x} is open, but its owner is refused", number(greeting.asked_for)));
        return;
    }
    if (greeting.asked_for != SessionId::kNone && !greeting.right_password)
        violated("I-SESS", fmt::format("session {:#x} is given to somebody without its password", number(id)));
    if (!model.sessions().contains(id))
        violated("I-SESS", fmt::format("session {:#x} is over, but somebody is let in", number(id)));
    if (serves(greeting.server, id))
        violated("I-SESS", fmt::format("session {:#x} has moved, but its old connection goes on", number(id)));
    auto& session = sessions_[id];
    session.heard[greeting.server] = queue_.now();
    session.timeout = milliseconds(greeting.reply.timeout_ms);
    served_[greeting.connection] = {greeting.server, id};
}

void SessionsChecker::on_reply(const Reply& reply, const Model& model) {
    if (model.sessions().contains(reply.session) || reply.asked.op == OpCode::kCloseSession) return;
    violated("I-SESS", fmt::format("session {:#x} is over, but is answered", number(reply.session)));
}

void SessionsChecker::on_closed(ConnectionId connection) { served_.erase(connection); }

void SessionsChecker::on_batch_end(const BatchEnd& end, const Model& model) {
    // A state that came from elsewhere may lack sessions: they are asked about once the server serves again.
    for (const auto id : std::exchange(closed_now_, {}))
        if (end.status.serving && serves(end.server, id))
            violated("I-SESS", fmt::format("session {:#x} is over, but its connection is not", number(id)));
    if (end.status.sessions != model.sessions().size())
        violated("I-SESS", fmt::format("{} sessions are open, not {}", end.status.sessions, model.sessions().size()));
    if (!leads(end.status)) {
        leads_since_.erase(end.server);
    } else if (leads_since_.try_emplace(end.server, queue_.now()).second) {
        // What was not committed never will be.
        for (auto& [id, session] : sessions_)
            if (session.closing.epoch() < end.status.epoch || end.status.state == core::ServerState::kStandalone)
                session.closing = Zxid{};
    }
}

void SessionsChecker::on_down(ServerId server) {
    std::erase_if(served_, [&](const auto& one) { return one.second.server == server; });
    closed_now_.clear();
    leads_since_.erase(server);
}

}  // namespace zabd::sim
