// I-SESS: a session begins and is closed once; it is not expired before it was silent for its timeout; while it is open its
// owner is let in, and nobody else or afterwards; and a server serves it on one connection at a time.
//
// Expiry    of a session whose client is connected to the leader is judged exactly. One that is connected to a learner the
//           leader hears of with the learner's answers to pings: it is judged, with that much slack, once all is healed and one leads.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>
#include <set>
#include <utility>

namespace zabd::sim {

class SessionsChecker final : public Checker {
public:
    /// `queue` tells the world's time, which passes though a server's clock may not.
    SessionsChecker(const EventQueue& queue, Duration tick) : queue_(queue), tick_(tick) {}

    void on_request(ServerId server, ConnectionId connection, SessionId session, const Asked& asked) override;
    void on_proposed(const History::Record& record) override;
    void on_committed(const Committed& committed, const Model& model) override;
    void on_greeting(const Greeting& greeting, const Model& model) override;
    void on_reply(const Reply& reply, const Model& model) override;
    void on_closed(ConnectionId connection) override;
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_down(ServerId server) override;
    void on_converged() override { settled_ = queue_.now() + kOnItsWayMax; }

private:
    /// What links have delayed before they were healed.
    static constexpr Duration kOnItsWayMax = seconds(20);

    struct Session {
        std::map<ServerId, Time> heard{};
        Duration timeout{0};
        Zxid closing{};  // as last proposed
    };
    struct Served {
        ServerId server;
        SessionId session;
    };
    void judge_expiry(const History::Record& record, const Session& session) const;
    [[nodiscard]] bool serves(ServerId server, SessionId session) const;

    const EventQueue& queue_;
    const Duration tick_;
    std::optional<Time> settled_;
    std::map<SessionId, Session> sessions_;
    std::map<ConnectionId, Served> served_;
    std::map<ServerId, Time> leads_since_;
    std::set<SessionId> closed_now_;  // in this batch
};

}  // namespace zabd::sim
