// Shapes in which a network falls apart: which servers do not hear which.
#pragma once

#include "tests/sim/faults.hpp"
#include "tests/sim/random.hpp"
#include "wire/ids.hpp"

#include <utility>
#include <vector>

namespace zabd::sim {

/// From, to.
using Cut = std::pair<ServerId, ServerId>;

enum class Shape : std::uint8_t {
    kMajority,  // two groups
    kBridge,    // two groups, and one server that hears both
    kRing,      // each hears two others
    kOneWay,    // some do not hear some others, who hear them
    kAlone,     // one hears nobody and is not heard
};
inline constexpr std::size_t kShapes = static_cast<std::size_t>(Shape::kAlone) + 1;

/// In a random order. `servers`: at least three. `first` of them is the one alone, or the one that hears both groups.
[[nodiscard]] std::vector<Cut> cuts_of(Shape shape, std::vector<ServerId> servers, ServerId first, Random& random);
[[nodiscard]] Fault fault_of(Shape shape);

}  // namespace zabd::sim
