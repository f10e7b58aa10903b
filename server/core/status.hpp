// What the core tells about itself: plain values for words, admin and metrics.
#pragma once

#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zabd::core {

/// Since start, or since srst. Times in ms.
struct Traffic {
    std::uint64_t received = 0;  // frames
    std::uint64_t sent = 0;      // frames
    std::uint64_t requests = 0;  // answered, those of which a latency was taken
    std::uint64_t latency_ms_sum = 0;
    std::uint64_t latency_ms_min = 0;
    std::uint64_t latency_ms_max = 0;
};

/// Standalone: alone by configuration.
enum class ServerState : std::uint8_t { kStandalone, kLooking, kLeading, kFollowing, kObserving, kReadOnly };

struct Status {
    ServerState state = ServerState::kStandalone;
    bool serving = true;               // requests are answered
    std::optional<ServerId> leader{};  // while serving in an ensemble
    Epoch epoch = 0;                   // current
    std::size_t followers_synced = 0;  // leader: up to date, without observers
    std::size_t observers_synced = 0;  // leader
    std::uint64_t elections = 0;       // since start, that ended with a leader
    Millis election_last{0};           // from looking to serving
    Zxid zxid_proposed;
    Zxid zxid_applied;
    Traffic traffic;
    std::size_t connections = 0;
    std::size_t outstanding = 0;  // requests taken and not yet answered
    std::size_t sessions = 0;
    std::size_t nodes = 0;  // without ZooKeeper's second root
    std::size_t ephemerals = 0;
    std::size_t watches = 0;
    std::uint64_t approximate_bytes = 0;  // of paths and data
    std::uint64_t digest = 0;
    std::uint64_t digests_compared = 0;   // since start: with those that a ZooKeeper leader told with its transactions
    std::uint64_t digest_mismatches = 0;  // of those
    std::int64_t reply_bytes_last = -1;   // of replies to requests; -1: none yet
    std::int64_t reply_bytes_min = -1;
    std::int64_t reply_bytes_max = -1;
    std::uint64_t auth_failures = 0;
    std::uint64_t sessions_expired = 0;
    std::uint64_t writes_refused = 0;  // since start: the disk was full
    Millis uptime{0};
    std::uint64_t latency_ms_max_recent = 0;  // of the last second or two
};

struct ConnectionStatus {
    ConnectionId connection;
    std::string address;  // without the port
    std::uint16_t port = 0;
    SessionId session = SessionId::kNone;
    std::size_t queued = 0;  // requests waiting
    Traffic traffic;
    wire::OpCode last_op = wire::OpCode::kNotification;  // kNotification: none
    WallTime established{};
    Millis timeout{0};
    std::int32_t last_xid = -1;
    Zxid zxid_last;
    Instant responded_last{};
    std::uint64_t latency_ms_last = 0;
};

struct SessionsStatus {
    /// Ids by the wall clock at which they expire if they stay silent.
    std::map<std::int64_t, std::vector<SessionId>> by_expiry_ms;
    std::map<SessionId, std::vector<std::string>> ephemerals;  // sessions with any
};

struct WatchesStatus {
    std::size_t connections = 0;
    std::map<std::string, std::vector<SessionId>> by_path;  // the data table
};

/// Digest of the tree after `zxid`. Taken at every zxid that 128 divides; at most 1024 are kept.
struct DigestSample {
    Zxid zxid;
    std::uint64_t digest = 0;
};

}  // namespace zabd::core
