// The command "show": what can be seen of a scene.
#pragma once

#include "tests/sim/scenario/scene.hpp"
#include "tests/sim/scenario/words.hpp"

namespace zabd::sim::scenario {

void show(Scene& scene, Words& words);

}  // namespace zabd::sim::scenario
