// What all parts of a simulated world share.
#pragma once

#include "tests/sim/events.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/planted_bugs.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zabd::sim {

struct Stage {
    Stage(std::uint64_t seed, Planted planted_bug, bool prints) : random(seed), trace(prints), planted(planted_bug) {}
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    Random random;
    EventQueue queue;
    Trace trace;
    FaultCounts faults;
    Planted planted;
};

/// An id as a plain number, to be printed.
template <class Id>
[[nodiscard]] constexpr std::uint64_t number(Id id) {
    return static_cast<std::uint64_t>(id);
}

/// An invariant that does not hold. Thrown by checkers, outside of production code, up to whoever runs the world.
struct Violation {
    std::string_view invariant;  // its code
    std::string what;
};

[[noreturn]] inline void violated(std::string_view invariant, std::string what) {
    throw Violation{invariant, std::move(what)};
}

}  // namespace zabd::sim
