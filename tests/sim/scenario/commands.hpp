// The words of a script. kGrammar says what there is.
#pragma once

#include "tests/sim/scenario/scene.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim::scenario {

extern const std::string_view kGrammar;

/// Carries the command out; what it showed, and what came about meanwhile.
[[nodiscard]] std::vector<std::string> perform(Scene& scene, const std::string& command);

}  // namespace zabd::sim::scenario
