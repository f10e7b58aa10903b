// What a checker is told. Each overrides what it needs and throws Violation when its invariant is broken.
//
// Places    at the core: between a server's core and its net, in the core's own order. At the clients: what they send and
//           see, over links that delay and lose.
// Model     stands at the zxid of what is being told: all transactions up to it have been carried out, none behind it.
#pragma once

#include "tests/sim/images.hpp"
#include "tests/sim/model.hpp"
#include "tests/sim/stage.hpp"
#include "wire/connect.hpp"
#include "wire/requests.hpp"
#include "wire/time.hpp"
#include "wire/txns.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::sim {

/// A client's request as the core got it.
struct Asked {
    Xid xid = 0;
    wire::OpCode op = wire::OpCode::kNotification;
    std::string body;
    Zxid zxid{};                       // of the transaction that it became; 0: none yet
    std::optional<Outcome> outcome{};  // what the model says, once that transaction is carried out
    bool may_be_refused = false;       // the core was told of a full disk while it had this
};

[[nodiscard]] bool is_write(wire::OpCode op);

struct Reply {
    ConnectionId connection;
    SessionId session;
    const Asked& asked;
    wire::ReplyHeader header;
    std::string_view body;
};

struct Greeting {
    ConnectionId connection;
    SessionId asked_for;  // kNone: a new session
    bool right_password;  // of the session asked for
    wire::ConnectReply reply;
};

/// A transaction that has been carried out.
struct Committed {
    wire::TxnHeader header;
    Bytes txn;
    const Outcome& outcome;
};

/// A batch of inputs is over.
struct BatchEnd {
    const core::Core& core;
    Now now;
    std::size_t unanswered = 0;  // requests that the core has
    std::size_t connections = 0;
    std::size_t frames = 0;  // that the batch brought
};

/// A server is up again.
struct Recovery {
    const core::Core& core;
    const core::Options& options;
    const Images& checkpoint;  // that it started from
    const Images& state;       // with all that was in the log behind it
    Zxid zxid;
    Now now;
};

/// A request as its client sees it.
struct Sent {
    Xid xid = 0;
    wire::OpCode op = wire::OpCode::kNotification;
    std::string_view path{};
    bool watches = false;
    std::string_view body{};
};

using ClientId = std::size_t;

class Checker {
public:
    virtual ~Checker() = default;

    // --- at the core ---
    virtual void on_request(ConnectionId, SessionId, const Asked&, Now) {}
    virtual void on_proposed(const wire::TxnHeader&, Now) {}
    virtual void on_committed(const Committed&, const Model&) {}
    virtual void on_greeting(const Greeting&, const Model&, Now) {}
    virtual void on_reply(const Reply&, const Model&) {}
    virtual void on_event(ConnectionId, Zxid, const wire::WatcherEvent&, const Asked* /*next to be answered*/,
                          const Model&) {}
    virtual void on_closed(ConnectionId) {}
    virtual void on_batch_end(const BatchEnd&, const Model&) {}
    virtual void on_down() {}
    virtual void on_recovery(const Recovery&, const Model&) {}

    // --- at the clients ---
    virtual void on_client_connected(ClientId, SessionId) {}
    virtual void on_client_sent(ClientId, const Sent&) {}
    virtual void on_client_reply(ClientId, const Sent&, const wire::ReplyHeader&, std::string_view /*body*/) {}
    /// `catching_up`: of setWatches, for what came about while the client was away.
    virtual void on_client_event(ClientId, const wire::WatcherEvent&, bool /*catching_up*/) {}
    virtual void on_client_disconnected(ClientId) {}
    virtual void on_client_lost_session(ClientId) {}
    /// Nothing is under way any more: every client has been told all.
    virtual void on_quiet(const Model&) {}
};

}  // namespace zabd::sim
