// I-DUR: what a server has told of is there after every recovery, node by node as the model has it; and nothing else is.
#pragma once

#include "tests/sim/checkers/checker.hpp"

namespace zabd::sim {

class DurabilityChecker final : public Checker {
public:
    void on_recovery(const Recovery& recovery, const Model& model) override;
};

/// What tells a state from the model's, nullopt if nothing does.
[[nodiscard]] std::optional<std::string> difference(const Images& state, const Model& model);

}  // namespace zabd::sim
