// Crash points, one after the other: a scripted run, a power cut at each of its disk calls, and for each every legal
// state of what was unsynced: all combinations while they are few, else prefixes and a sample. And each call fails once.
#pragma once

#include "tests/sim/disk.hpp"
#include "tests/sim/scripted_run.hpp"
#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace zabd::sim {

struct CrashPointBounds {
    std::size_t operations = 300;
    std::size_t all_subsets_of = 8;  // of so many unsynced changes or fewer
    std::size_t prefixes_max = 60;
    std::size_t samples = 60;
    std::size_t second_crashes = 4;  // one in so many states is cut again while it recovers
};

struct CrashPointsTried {
    std::uint64_t calls = 0;
    std::uint64_t states = 0;
    std::uint64_t second_crashes = 0;
    std::uint64_t failures = 0;  // runs in which one call failed
    std::uint64_t stopped = 0;   // of which the process stopped
};

/// Throws Violation if something acknowledged is not there, or a start is refused.
CrashPointsTried crash_at_every_call(const CrashPointBounds& bounds);
CrashPointsTried fail_every_call(const CrashPointBounds& bounds);

}  // namespace zabd::sim
