// I-SESS: a session begins and is closed once; it is not expired before it was silent for its timeout; while it is open its
// owner is let in, and nobody else or afterwards; and it is served on one connection at a time.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>
#include <set>

namespace zabd::sim {

class SessionsChecker final : public Checker {
public:
    /// `queue` tells the world's time, which passes though a server's clock may not.
    explicit SessionsChecker(const EventQueue& queue) : queue_(queue) {}

    void on_request(ConnectionId connection, SessionId session, const Asked& asked, Now now) override;
    void on_proposed(const wire::TxnHeader& header, Now now) override;
    void on_committed(const Committed& committed, const Model& model) override;
    void on_greeting(const Greeting& greeting, const Model& model, Now now) override;
    void on_reply(const Reply& reply, const Model& model) override;
    void on_closed(ConnectionId connection) override;
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_down() override;
    void on_recovery(const Recovery& recovery, const Model& model) override;

private:
    struct Session {
        Time heard{0};
        Duration timeout{0};
        bool closing = false;
        ConnectionId connection = ConnectionId::kNone;
    };
    const EventQueue& queue_;
    std::map<SessionId, Session> sessions_;
    std::map<ConnectionId, SessionId> served_;
    std::set<SessionId> closed_now_;  // in this batch
};

}  // namespace zabd::sim
