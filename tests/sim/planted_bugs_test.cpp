// The checkers are tested: each planted bug must be found, by the invariant that it breaks, within so many seeds.
#include "tests/sim/world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {
namespace {

/// What found the bug in this run, nullopt if nothing did. In a process of its own: an assertion of production code,
/// which counts too, ends it.
std::optional<std::string> found_by(Bug bug, std::uint64_t seed, std::size_t voters) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // not Catch's
        (void)!std::freopen("/dev/null", "w", stderr);
        try {
            World({.seed = seed, .planted = {bug}, .voters = voters}).run();
        } catch (const Violation& violation) {
            (void)!::write(ends[1], violation.invariant.data(), violation.invariant.size());
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    char text[32];
    const auto size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return "assertion";
    return size > 0 ? std::optional(std::string(text, static_cast<std::size_t>(size))) : std::nullopt;
}

std::string_view name_of(Bug bug) {
    for (const auto& [known, name] : kBugs)
        if (known == bug) return name;
    return {};
}

struct Case {
    Bug bug;
    std::uint64_t seeds_max;
    std::vector<std::string> by;
};

}  // namespace

TEST_CASE("each planted bug is found", "[planted]") {
    const auto c = GENERATE(values<Case>({
        {Bug::kAnswerBeforeSync, 20, {"I-DUR"}},
        {Bug::kSyncSkipped, 20, {"I-DUR"}},
        {Bug::kDirectorySyncSkipped, 20, {"I-DUR"}},
        {Bug::kFailedSyncRetried, 100, {"I-DUR"}},
        {Bug::kZxidBeforeData, 20, {"I-DUR"}},
        {Bug::kReleasedEarly, 50, {"I-DUR"}},
        {Bug::kTornTailAccepted, 300, {"I-DUR", "I-DET", "assertion"}},
        {Bug::kSequenceForgotten, 20, {"I-DUR", "I-DET", "assertion"}},
        {Bug::kSessionForgotten, 20, {"I-SESS", "I-DUR", "assertion"}},
        {Bug::kEphemeralKept, 20, {"I-DUR", "assertion"}},
        {Bug::kEventDropped, 50, {"I-WATCH"}},
        {Bug::kEventBehindReply, 100, {"I-WATCH"}},
        {Bug::kRepliesSwapped, 20, {"I-FIFO", "I-MONO"}},
        {Bug::kExpiredEarly, 20, {"I-SESS"}},
        {Bug::kPauseIgnored, 200, {"I-BOUND"}},
        {Bug::kWriteTwice, 20, {"I-FIFO", "I-MODEL"}},
    }));
    const auto name = name_of(c.bug);
    CAPTURE(name);
    std::optional<std::string> by;
    std::uint64_t seed = 0;
    while (!by && seed < c.seeds_max) by = found_by(c.bug, ++seed, 1);
    REQUIRE(by.has_value());
    fmt::print("{:<24} found by {:<10} at seed {}\n", name, *by, seed);
    CHECK_THAT(c.by, Catch::VectorContains(*by));
}

TEST_CASE("no seed that finds a planted bug fails without it", "[planted]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        CHECK(found_by(Bug::kNone, seed, 1) == std::nullopt);
    }
}

}  // namespace zabd::sim
