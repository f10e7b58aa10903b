// The numbers that must not be mixed, each a type of its own.
//
// Effects   none. All are plain values, ordered as their numbers are.
// Source    zxid layout: high 32 bits epoch, low 32 bits counter, compared unsigned.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace zabd {

using Epoch = std::uint32_t;
using Counter = std::uint32_t;

/// A client's number for one of its requests; opaque to the server, echoed in the reply.
using Xid = std::int32_t;

/// Position of a transaction in the history. Zero is before the first one.
struct Zxid {
    std::uint64_t value = 0;

    static constexpr Zxid of(Epoch epoch, Counter counter) {
        return Zxid{(static_cast<std::uint64_t>(epoch) << 32) | counter};
    }
    [[nodiscard]] constexpr Epoch epoch() const { return static_cast<Epoch>(value >> 32); }
    [[nodiscard]] constexpr Counter counter() const { return static_cast<Counter>(value); }

    friend constexpr auto operator<=>(const Zxid&, const Zxid&) = default;
};

/// May a history go on with `next` directly behind `before`? The next counter, or the first one of a later epoch.
[[nodiscard]] constexpr bool follows(Zxid before, Zxid next) {
    if (next.epoch() > before.epoch()) return next.counter() == 1;
    return next.epoch() == before.epoch() && next.counter() != 0 && next.counter() - 1 == before.counter();
}

/// Highest zxid a peer or client can name; used on the wire for "unknown" (-1).
inline constexpr Zxid kZxidUnknown{~std::uint64_t{0}};

/// A client's lease. 0 is no session.
enum class SessionId : std::int64_t { kNone = 0 };

/// One client socket on this server. Never reused while the process lives; 0 is none.
enum class ConnectionId : std::uint64_t { kNone = 0 };

/// One connection on the quorum port. Never reused while the process lives; 0 is none.
enum class LinkId : std::uint64_t { kNone = 0 };

/// A member of the ensemble (myid). At most 254, as it is the top byte of session ids.
enum class ServerId : std::uint8_t {};

/// A znode's number in the checkpoint: given in order of creation, never reused, so that a parent's is always smaller
/// than its children's. 0 is none; the root is 1.
enum class NodeId : std::uint64_t { kNone = 0, kRoot = 1 };

}  // namespace zabd

template <>
struct std::hash<zabd::Zxid> {
    std::size_t operator()(const zabd::Zxid& zxid) const noexcept { return std::hash<std::uint64_t>{}(zxid.value); }
};
