#include "tests/sim/java_peer/java_sessions.hpp"

namespace zabd::sim {

void JavaSessions::track(SessionId session, std::int32_t timeout_ms, Time now) {
    sessions_.try_emplace(session);
    touch(session, timeout_ms, now);
}

void JavaSessions::own(SessionId session, LinkId owner) {
    const auto found = sessions_.find(session);
    if (found != sessions_.end()) found->second.owner = owner;
}

/// Deadlines are multiples of the tick.
void JavaSessions::touch(SessionId session, std::int32_t timeout_ms, Time now) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end() || found->second.closing) return;
    found->second.deadline = tick_ * ((now + milliseconds(timeout_ms)) / tick_ + 1);
}

wire::ErrorCode JavaSessions::check(SessionId session, LinkId by) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end() || found->second.closing) return wire::ErrorCode::kSessionExpired;
    auto& owner = found->second.owner;
    if (owner == LinkId::kNone) owner = by;
    return owner == by ? wire::ErrorCode::kOk : wire::ErrorCode::kSessionMoved;
}

bool JavaSessions::valid(SessionId session) const {
    const auto found = sessions_.find(session);
    return found != sessions_.end() && !found->second.closing;
}

void JavaSessions::close(SessionId session) {
    const auto found = sessions_.find(session);
    if (found != sessions_.end()) found->second.closing = true;
}

std::vector<SessionId> JavaSessions::expire(Time now) {
    std::vector<SessionId> over;
    for (auto& [id, session] : sessions_) {
        if (session.closing || session.deadline > now) continue;
        session.closing = true;
        over.push_back(id);
    }
    return over;
}

}  // namespace zabd::sim
