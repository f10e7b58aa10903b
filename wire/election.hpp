// Votes, and the notifications that carry them between voters on the election port; and the hello that opens a link.
//
// Source    ZooKeeper's fast leader election, notification format 2; accepts the older shapes (docs/zab.md).
#pragma once

#include "wire/ids.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {

enum class PeerState : std::int32_t { kLooking = 0, kFollowing = 1, kLeading = 2, kObserving = 3 };

/// "No opinion", which observers send for leader, zxid and epoch.
inline constexpr std::int64_t kNoVote = std::numeric_limits<std::int64_t>::min();

/// Numbers are signed, as they are compared so; zxid -1: the sender has no data that may be counted.
struct Notification {
    PeerState state = PeerState::kLooking;
    std::int64_t leader = kNoVote;
    std::int64_t zxid = kNoVote;
    std::int64_t round = 0;        // "electionEpoch": the sender's logical clock
    std::int64_t epoch = kNoVote;  // "peerEpoch": current epoch of the proposed leader
    std::int32_t version = 2;      // of the format
    std::string config{};          // the sender's committed configuration; older versions have none

    friend bool operator==(const Notification&, const Notification&) = default;
};
[[nodiscard]] std::string encoded_notification(const Notification& notification);
/// nullopt: malformed, to be dropped. Older shapes lack what is last: version 0, and the epoch of the zxid.
[[nodiscard]] std::optional<Notification> decode_notification(std::string_view payload);

inline constexpr std::size_t kNotificationBytesMax = 524'288;

inline constexpr std::size_t kHelloAddressBytesMax = 2048;

/// First bytes of an election link, sent by whoever dialled.
struct Hello {
    std::int64_t server = 0;
    std::vector<std::string> addresses;  // "host:port" of the sender's election port, as they came; very old ones: none

    friend bool operator==(const Hello&, const Hello&) = default;
};
/// One address gives the form that every release takes, several the one that 3.6 and later do. At least one.
[[nodiscard]] std::string encoded_hello(const Hello& hello);
struct HelloOutcome {
    enum class Kind : std::uint8_t { kIncomplete, kWhole, kMalformed } kind = Kind::kIncomplete;
    Hello hello;
    std::size_t bytes = 0;  // that it took
};
/// Of the bytes received so far.
[[nodiscard]] HelloOutcome decode_hello(std::string_view bytes);

}  // namespace zabd::wire
