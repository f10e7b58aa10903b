// Bugs of recovery, planted between the checkpoint's twin and the production code that reads it: the state is made wrong,
// and its digest right again, so that only the checkers are left to find it.
#pragma once

#include "tests/sim/images.hpp"
#include "tests/sim/planted_bugs.hpp"

namespace zabd::sim {

/// As a server that starts reads it.
[[nodiscard]] Images with_planted_bug(Images images, Planted planted);
/// As a leader streams it.
[[nodiscard]] Images streamed_with_planted_bug(Images images, Planted planted);

}  // namespace zabd::sim
