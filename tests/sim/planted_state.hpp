// Bugs of recovery, planted between the checkpoint's twin and the production code that reads it: the state is made wrong,
// and its digest right again, so that only the checkers are left to find it.
#pragma once

#include "tests/sim/images.hpp"
#include "tests/sim/planted_bugs.hpp"

namespace zabd::sim {

[[nodiscard]] Images with_planted_bug(Images images, Planted planted);

}  // namespace zabd::sim
