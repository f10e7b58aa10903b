#include "tests/sim/faults.hpp"

#include <catch2/catch.hpp>

namespace zabd::sim {

TEST_CASE("a kind of fault that hardly ever comes is told of, once there are seeds enough to judge", "[planted]") {
    FaultCounts counts;
    CHECK(too_rare(counts, 999).empty());
    CHECK(too_rare(counts, 1000).size() == kFaultKinds);
    for (const auto& kind : fault_kinds()) counts.add(kind.fault, kind.per_1000_seeds);
    CHECK(too_rare(counts, 1000).empty());
    CHECK(too_rare(counts, 2000).size() == kFaultKinds);
    counts.add(counts);
    CHECK(too_rare(counts, 2000).empty());
}

}  // namespace zabd::sim
