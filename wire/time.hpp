// Time as the core knows it: told, never asked for.
//
// Effects   none. CoreClock has no now(); whoever calls the core brings the time along.
#pragma once

#include <chrono>
#include <cstdint>

namespace zabd {

/// The monotonic clock of the shell, seen from the core. Only differences mean anything.
struct CoreClock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<CoreClock>;
    static constexpr bool is_steady = true;
};

using Millis = std::chrono::milliseconds;
using Instant = CoreClock::time_point;

/// Milliseconds since 1970 UTC. For ctime, mtime and TTL only: it may jump, so no deadline is computed from it.
enum class WallTime : std::int64_t {};

/// What the shell says with every batch of inputs.
struct Now {
    Instant monotonic{};
    WallTime wall{};
};

}  // namespace zabd
