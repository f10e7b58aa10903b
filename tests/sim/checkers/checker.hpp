// What a checker is told. Each overrides what it needs and throws Violation when its invariant is broken.
//
// Places    at the core: between a server's core and its net, in the core's own order. At the disk and the peers of a server.
//           At the clients: what they send and see, over links that delay and lose.
// Model     stands at the zxid of what is being told: all transactions up to it have been carried out, none behind it.
// Scope     a checker is made for a world, and hears of all its servers; or for each server, and hears of it alone.
//           Connections have numbers that no two servers share.
#pragma once

#include "tests/sim/history.hpp"
#include "tests/sim/images.hpp"
#include "tests/sim/model.hpp"
#include "tests/sim/stage.hpp"
#include "wire/connect.hpp"
#include "wire/quorum.hpp"
#include "wire/requests.hpp"
#include "wire/time.hpp"
#include "wire/txns.hpp"
#include "zab/events.hpp"

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
    bool may_be_refused = false;       // a core was told of a full disk when it was asked
    std::uint64_t room_limits = 0;     // History's, at that time
};

[[nodiscard]] bool is_write(wire::OpCode op);

struct Reply {
    ServerId server;
    ConnectionId connection;
    SessionId session;
    const Asked& asked;
    wire::ReplyHeader header;
    std::string_view body;
};

struct Greeting {
    ServerId server;
    ConnectionId connection;
    SessionId asked_for;  // kNone: a new session
    bool right_password;  // of the session asked for
    bool over;            // it: ended by what the server has applied, though the model does not stand there yet
    wire::ConnectReply reply;
};

/// A transaction that a server has carried out.
struct Committed {
    ServerId server;
    const History::Record& record;
    const Outcome& outcome;
    bool first = false;  // of all servers
};

/// What survives a power cut of a server now.
struct DiskFacts {
    Zxid log_durable{};
    bool cut_pending = false;  // of the log
    zab::HardState hard_state{};
    zab::HardState hard_state_asked{};  // by the core: newer, perhaps
};

/// A batch of inputs is over.
struct BatchEnd {
    ServerId server;
    const core::Core& core;
    core::Status status;
    const DiskFacts& disk;
    const History& history;
    Now now;
    std::size_t unanswered = 0;  // requests that the core has
    std::size_t connections = 0;
    std::size_t frames = 0;  // that the batch brought
};

/// A server is up again.
struct Recovery {
    ServerId server;
    const core::Core& core;
    const core::Options& options;
    const Images& checkpoint;  // that it started from
    const Images& state;       // with all that was in the log behind it
    Zxid zxid;
    Now now;
    const DiskFacts& disk;
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
    virtual void on_request(ServerId, ConnectionId, SessionId, const Asked&) {}
    /// It is in the first log.
    virtual void on_proposed(const History::Record&) {}
    virtual void on_committed(const Committed&, const Model&) {}
    virtual void on_greeting(const Greeting&, const Model&) {}
    virtual void on_reply(const Reply&, const Model&) {}
    virtual void on_event(ConnectionId, Zxid, const wire::WatcherEvent&, const Asked* /*next to be answered*/,
                          const Model&) {}
    virtual void on_closed(ConnectionId) {}
    virtual void on_batch_end(const BatchEnd&, const Model&) {}
    virtual void on_down(ServerId) {}
    virtual void on_recovery(const Recovery&, const Model&) {}
    /// A server that is not zabd has an established epoch of its own.
    virtual void on_leads(ServerId, Epoch) {}

    // --- at the disk and the peers ---
    virtual void on_hard_state_saved(ServerId, const zab::HardState&) {}
    virtual void on_packet_sent(ServerId, ServerId /*to*/, const wire::QuorumPacket&, const DiskFacts&) {}
    virtual void on_truncated(ServerId, Zxid) {}
    /// Another state has taken the place of a server's own.
    virtual void on_replaced(ServerId, Zxid) {}
    /// Its disk is empty, or older than it was.
    virtual void on_disk_lost(ServerId, bool /*empty*/) {}
    /// Nothing goes wrong any more, and all servers serve.
    virtual void on_converged() {}

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
