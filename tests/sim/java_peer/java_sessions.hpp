// The sessions of a ZooKeeper leader: when they end, and which learner owns them.
//
// Owner     the learner through which a session has come first, or was validated last. Requests by way of another one are
//           refused. One that connects anew is another owner.
#pragma once

#include "tests/sim/time.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace zabd::sim {

class JavaSessions {
public:
    explicit JavaSessions(Duration tick) : tick_(tick) {}

    void track(SessionId session, std::int32_t timeout_ms, Time now);
    void own(SessionId session, LinkId owner);
    void touch(SessionId session, std::int32_t timeout_ms, Time now);
    /// May it ask something by way of that learner? Owns it, if nobody does.
    [[nodiscard]] wire::ErrorCode check(SessionId session, LinkId by);
    [[nodiscard]] bool valid(SessionId session) const;
    void close(SessionId session);
    void forget(SessionId session) { sessions_.erase(session); }
    /// Whose time is over; they are closing from now on.
    [[nodiscard]] std::vector<SessionId> expire(Time now);

private:
    struct Session {
        Time deadline{0};
        LinkId owner = LinkId::kNone;
        bool closing = false;
    };
    Duration tick_;
    std::map<SessionId, Session> sessions_;
};

}  // namespace zabd::sim
