// What the members of an ensemble owe each other about sessions: who keeps them alive, who owns them, which are still open.
//
// Leader    alone ends sessions. It hears of them from its own clients and in its learners' answers to pings, and knows for
//           each through which link its client speaks (the owner); what comes through another one is refused (hazard Z-66).
//           When it begins to serve every session gets its full timeout (hazard Z-64).
// Learner   collects whom it has heard of between pings, and asks the leader before it lets a client take up a session
//           (hazard Z-65).
#pragma once

#include "session/expiry.hpp"
#include "session/table.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/time.hpp"

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace zabd::core {

class Sessions {
public:
    explicit Sessions(Millis tick) : tick_(tick), expiry_(tick) {}

    void begin_leading(const session::Table& open, Instant now);
    void begin_following() { leading_ = false; }
    void stop();

    /// Its client spoke, or its createSession was applied.
    void touch(SessionId session, Millis timeout, Instant now);
    void remove(SessionId session);

    // --- leader ---
    /// Those that have been silent too long; each is told once.
    [[nodiscard]] std::vector<SessionId> expired(Instant now);
    [[nodiscard]] const session::Expiry& expiry() const { return expiry_; }
    /// The session's client speaks through this link from here on; kNone: it is ours.
    void set_owner(SessionId session, LinkId link) { owner_of_[session] = link; }
    /// A session without an owner is taken.
    [[nodiscard]] bool is_owner(SessionId session, LinkId link);
    void forget(LinkId link);

    // --- learner ---
    /// For the answer to a ping: who was touched since the last one, in order of ids. Never null.
    [[nodiscard]] Bytes take_touches();

    /// The leader is asked whether the session is open, for that connection.
    void ask(SessionId session, ConnectionId connection) { asked_.push_back({session, connection}); }
    /// What it answered, to be believed once `bound` is applied. Answers that nobody asked for are ignored.
    void answer(SessionId session, bool valid, Zxid bound);
    struct Answer {
        SessionId session{};
        ConnectionId connection{};
        bool valid = false;
        Zxid bound;
    };
    [[nodiscard]] std::optional<Answer> next_answer(Zxid applied);

private:
    struct Asked {
        SessionId session{};
        ConnectionId connection{};
    };

    Millis tick_;
    bool leading_ = false;
    session::Expiry expiry_;
    std::unordered_map<SessionId, LinkId> owner_of_;
    std::unordered_map<SessionId, Millis> touched_;
    std::deque<Asked> asked_;
    std::deque<Answer> answers_;
};

}  // namespace zabd::core
