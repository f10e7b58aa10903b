#include "tests/sim/checkers/sessions.hpp"

#include <fmt/format.h>

namespace zabd::sim {

using wire::OpCode;

void SessionsChecker::on_request(ConnectionId, SessionId id, const Asked&, Now) {
    const auto session = sessions_.find(id);
    if (session != sessions_.end() && !session->second.closing) session->second.heard = queue_.now();
}

void SessionsChecker::on_proposed(const wire::TxnHeader& header, Now) {
    if (header.type != OpCode::kCloseSession) return;
    auto& session = sessions_[header.session];
    if (session.closing) violated("I-SESS", fmt::format("session {:#x} is closed twice", number(header.session)));
    session.closing = true;
    const auto silent = queue_.now() - session.heard;
    const bool expired = header.xid == 0;
    if (expired && silent + milliseconds(1) < session.timeout)
        violated("I-SESS", fmt::format("session {:#x} expires after {} ms of silence, its timeout is {} ms",
                                       number(header.session), silent.count() / 1000, session.timeout.count() / 1000));
}

void SessionsChecker::on_committed(const Committed& committed, const Model& model) {
    const auto id = committed.header.session;
    if (committed.header.type == OpCode::kCreateSession)
        sessions_[id] = {.heard = queue_.now(), .timeout = milliseconds(model.sessions().at(id))};
    if (committed.header.type == OpCode::kCloseSession) {
        closed_now_.insert(id);
        if (!model.ephemerals_of(id).empty())
            violated("I-SESS", fmt::format("session {:#x} is closed and owns ephemerals", number(id)));
    }
}

void SessionsChecker::on_greeting(const Greeting& greeting, const Model& model, Now) {
    const auto id = greeting.reply.session;
    if (id == SessionId::kNone) {
        const auto asked_for = sessions_.find(greeting.asked_for);
        const bool open =
            model.sessions().contains(greeting.asked_for) && asked_for != sessions_.end() && !asked_for->second.closing;
        if (open && greeting.right_password)
            violated("I-SESS",
                     fmt::format("session {:#x} is open, but its owner is refused", number(greeting.asked_for)));
        return;
    }
    if (greeting.asked_for != SessionId::kNone && !greeting.right_password)
        violated("I-SESS", fmt::format("session {:#x} is given to somebody without its password", number(id)));
    if (!model.sessions().contains(id))
        violated("I-SESS", fmt::format("session {:#x} is over, but somebody is let in", number(id)));
    auto& session = sessions_[id];
    if (session.connection != ConnectionId::kNone)
        violated("I-SESS", fmt::format("session {:#x} has moved, but its old connection goes on", number(id)));
    session.heard = queue_.now();
    session.timeout = milliseconds(greeting.reply.timeout_ms);
    session.connection = greeting.connection;
    served_[greeting.connection] = id;
}

void SessionsChecker::on_reply(const Reply& reply, const Model& model) {
    if (model.sessions().contains(reply.session) || reply.asked.op == OpCode::kCloseSession) return;
    violated("I-SESS", fmt::format("session {:#x} is over, but is answered", number(reply.session)));
}

void SessionsChecker::on_closed(ConnectionId connection) {
    const auto served = served_.find(connection);
    if (served == served_.end()) return;
    const auto session = sessions_.find(served->second);
    if (session != sessions_.end() && session->second.connection == connection)
        session->second.connection = ConnectionId::kNone;
    served_.erase(served);
}

void SessionsChecker::on_batch_end(const BatchEnd& end, const Model& model) {
    for (const auto id : closed_now_) {
        if (sessions_[id].connection != ConnectionId::kNone)
            violated("I-SESS", fmt::format("session {:#x} is over, but its connection is not", number(id)));
        sessions_.erase(id);
    }
    closed_now_.clear();
    if (end.core.status().sessions != model.sessions().size())
        violated("I-SESS",
                 fmt::format("{} sessions are open, not {}", end.core.status().sessions, model.sessions().size()));
}

void SessionsChecker::on_down() {
    served_.clear();
    closed_now_.clear();
}

void SessionsChecker::on_recovery(const Recovery&, const Model& model) {
    sessions_.clear();
    // Nobody could be heard while the server was down: all begin anew.
    for (const auto& [id, timeout_ms] : model.sessions())
        sessions_[id] = {.heard = queue_.now(), .timeout = milliseconds(timeout_ms)};
}

}  // namespace zabd::sim
