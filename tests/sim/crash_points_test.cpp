#include "tests/sim/crash_points.hpp"

#include "tests/sim/stage.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace zabd::sim {
namespace {

/// Fewer where a sanitizer makes everything slow.
CrashPointBounds bounds() {
    CrashPointBounds bounds;
    if (ZABD_SIM_SLOW) bounds.operations = 60;
    return bounds;
}

template <class Run>
CrashPointsTried passing(const Run& run) {
    try {
        return run(bounds());
    } catch (const Violation& violation) {
        FAIL(violation.invariant << ": " << violation.what);
    }
    return {};
}

}  // namespace

TEST_CASE("a power cut at any disk call, in any legal state of what is unsynced, loses nothing acknowledged",
          "[crash]") {
    const auto tried = passing(crash_at_every_call);
    fmt::print("crash points: {} calls, {} states, {} of them cut again while recovering\n", tried.calls, tried.states,
               tried.second_crashes);
    CHECK(tried.calls > bounds().operations);
    CHECK(tried.states > 3 * tried.calls);
}

TEST_CASE("any one disk call that fails stops the process or is borne, and nothing acknowledged is lost", "[crash]") {
    const auto tried = passing(fail_every_call);
    fmt::print("failing calls: {} calls, {} runs, the process stopped in {}\n", tried.calls, tried.failures,
               tried.stopped);
    CHECK(tried.failures == 2 * tried.calls);
    CHECK(tried.stopped > tried.failures / 2);
}

}  // namespace zabd::sim
