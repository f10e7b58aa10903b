// Bugs that are planted between the simulated world and a core: in what it hears from clients, what it says to other voters,
// and what it was told of the ensemble.
#pragma once

#include "tests/sim/planted_bugs.hpp"
#include "wire/ids.hpp"
#include "zab/membership.hpp"

#include <string>
#include <string_view>

namespace zabd::sim {

/// From a client.
[[nodiscard]] std::string frame_with_planted_bug(std::string_view frame, Planted planted);
/// The payload of a notification that `self` sends.
[[nodiscard]] std::string vote_with_planted_bug(std::string payload, ServerId self, Planted planted);
/// As `self` is told.
[[nodiscard]] zab::Membership membership_with_planted_bug(const zab::Membership& membership, ServerId self,
                                                          Planted planted);

}  // namespace zabd::sim
