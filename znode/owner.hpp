// The kinds of znodes, as the stored owner value tells them.
//
// Values    0: persistent. 2^63: container. Top byte 0xff with extended types on: TTL, its 40 low bits the ms.
//           Any other: the session that owns an ephemeral.
#pragma once

#include "wire/ids.hpp"

#include <cstdint>

namespace zabd::znode {

inline constexpr std::int64_t kPersistentOwner = 0;
inline constexpr std::int64_t kContainerOwner = INT64_MIN;
inline constexpr std::int64_t kTtlMsMax = (std::int64_t{1} << 40) - 1;

enum class Kind : std::uint8_t { kPersistent, kEphemeral, kContainer, kTtl };

constexpr std::int64_t ttl_owner(std::int64_t ttl_ms) {
    return static_cast<std::int64_t>(0xff00000000000000u) | ttl_ms;
}
constexpr std::int64_t ttl_of(std::int64_t owner) { return owner & kTtlMsMax; }

/// Server ids are at most 254, so no session of ours has the top byte 0xff.
constexpr Kind kind_of(std::int64_t owner) {
    if (owner == kPersistentOwner) return Kind::kPersistent;
    if (owner == kContainerOwner) return Kind::kContainer;
    return (static_cast<std::uint64_t>(owner) >> 56) == 0xff ? Kind::kTtl : Kind::kEphemeral;
}

/// What the stat shows to clients: the session of an ephemeral, else 0.
constexpr std::int64_t visible_owner(std::int64_t owner) { return kind_of(owner) == Kind::kEphemeral ? owner : 0; }

}  // namespace zabd::znode
