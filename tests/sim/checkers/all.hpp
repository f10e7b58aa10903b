// All checkers, as every simulated world has them.
#pragma once

#include "tests/sim/oracle.hpp"

namespace zabd::sim {

/// Those that hear of all servers of a world. `queue` outlives them.
[[nodiscard]] Checkers checkers_of_world(const EventQueue& queue, Duration tick);
/// Those that hear of one server alone. `random` outlives them.
[[nodiscard]] Checkers checkers_of_server(const core::Options& options, Random& random);

}  // namespace zabd::sim
