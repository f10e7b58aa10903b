// The core of a server: all that decides anything, as one deterministic object.
//
// Use       step(input, out) for every input, each batch opened by TimeIs; carry out `out.items` in order; clear; again.
// Effects   none: no clock, random source, thread, file or socket. The same inputs give the same outputs.
// Order     the caller owes first-in-first-out per connection and towards the log and the checkpoint, no other.
// Errors    none returned. Bad frames end in an error reply or CloseClient; a broken invariant stops the process.
// Bounds    requests in flight by Options::outstanding_max, after which PauseClient asks for back-pressure; at twice as many
//           transactions in flight new sessions are turned away.
#pragma once

#include "server/core/options.hpp"
#include "server/core/status.hpp"
#include "session/table.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/time.hpp"
#include "znode/apply.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zabd::core {

// --- inputs ----------------------------------------------------------------------------------------------------------

/// First of every batch, and at least once a tick. `monotonic` never goes back; `wall` may.
struct TimeIs {
    Now now;
};
struct ClientOpened {
    ConnectionId connection;
    std::string_view address;  // text form, without the port
    std::uint16_t port = 0;
};
struct ClientFrame {
    ConnectionId connection;
    std::string_view frame;  // without its prefix; good during the call
};
struct ClientClosed {
    ConnectionId connection;
};
inline constexpr std::uint64_t kUnlimitedRoom = std::numeric_limits<std::uint64_t>::max();
/// A record of our own log behind the checkpoint. At start, in order, before any other input.
struct LogRecovered {
    Zxid zxid;
    Bytes txn;
};
struct LogDurable {
    Zxid up_to;
};
/// The log's disk is full: so many bytes of records, each with Options::log_overhead_bytes_max, still have room behind all
/// that is durable. Writes beyond are refused with SystemError until more is told; what keeps sessions right is not.
/// kUnlimitedRoom, as from the start: the disk is not full.
struct LogRoom {
    std::uint64_t bytes = kUnlimitedRoom;
};
/// srst, crst.
struct ResetStatistics {
    bool connections_only = false;
};
using Input =
    std::variant<TimeIs, ClientOpened, ClientFrame, ClientClosed, LogRecovered, LogDurable, LogRoom, ResetStatistics>;

// --- outputs ---------------------------------------------------------------------------------------------------------

/// Whole frames, with their prefixes: a range of Outputs::bytes. One range may go to many.
struct SendToClient {
    ConnectionId connection;
    std::size_t begin = 0;
    std::size_t size = 0;
};
/// After what was sent before; ClientClosed follows.
struct CloseClient {
    ConnectionId connection;
};
/// Stop or go on reading from the client.
struct PauseClient {
    ConnectionId connection;
    bool paused = true;
};
struct AppendToLog {
    Zxid zxid;
    Bytes txn;
};
/// All that changed since the last one, at the latest by the next TimeIs.
struct PutCheckpoint {
    wire::StateImages images;
};
/// For the log: what happened that an operator may want to know.
struct Event {
    enum class Kind { kSessionExpired, kSessionRefused, kEpochAdvanced, kReaped } kind;
    SessionId session = SessionId::kNone;
    Zxid zxid;
    std::string detail;
};
using Output = std::variant<SendToClient, CloseClient, PauseClient, AppendToLog, PutCheckpoint, Event>;

struct Outputs {
    std::vector<Output> items;
    std::string bytes;  // what the ranges of SendToClient mean

    void clear() { items.clear(), bytes.clear(); }
};

// --- the core --------------------------------------------------------------------------------------------------------

/// What a checkpoint held. Default: nothing, a fresh server, whose built-in nodes are then to be put.
struct Recovered {
    znode::State state;
    session::Table sessions;
    Zxid zxid;
    bool fresh = true;
};

class Core {
public:
    Core(const Options& options, Recovered recovered);
    ~Core();

    void step(const Input& input, Outputs& out);

    /// All that words, admin and metrics may tell. O(1) but for the lists, which are O(what they list).
    [[nodiscard]] Status status() const;
    [[nodiscard]] std::vector<ConnectionStatus> connections() const;
    [[nodiscard]] SessionsStatus sessions() const;
    [[nodiscard]] WatchesStatus watches() const;
    [[nodiscard]] std::vector<DigestSample> digests() const;

    /// O(n). For tests and the simulator.
    void check_invariants() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::core
