// The checkers are tested: each planted bug must be found, by the invariant that it breaks, within so many seeds.
#include "tests/sim/world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGABRT ? "assertion" : "a crash";
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
    std::string_view hazard{};  // the mistake of a coordination server that it is modelled on
    std::size_t voters = 1;
};

/// A seed that fails without the bug too proves nothing.
void expect_found(const Case& c) {
    const auto name = name_of(c.bug);
    CAPTURE(name, c.by);
    std::uint64_t seed = 0;
    const auto found = [&] {
        const auto by = found_by(c.bug, seed, c.voters);
        if (!by || std::ranges::find(c.by, *by) == c.by.end() || found_by(Bug::kNone, seed, c.voters)) return false;
        fmt::print("{:<26} {:<4} found by {:<10} at seed {}\n", name, c.hazard, *by, seed);
        return true;
    };
    while (++seed <= c.seeds_max)
        if (found()) return;
    FAIL("not found within " << c.seeds_max << " seeds");
}

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
    expect_found(c);
}

/// Modelled on what went wrong in coordination servers before.
TEST_CASE("each planted bug of an ensemble is found", "[planted-ensemble]") {
    const auto c = GENERATE(values<Case>({
        {Bug::kHardStateNotDurable, 5, {"I-EPOCH"}, "Z-16", 3},
        {Bug::kHardStateSavedLate, 5, {"I-DISK"}, "Z-17", 3},
        {Bug::kEpochBeforeHistory, 20, {"I-DISK", "I-DUR"}, "Z-01", 3},
        {Bug::kAckBeforeDurable, 5, {"I-DISK"}, "Z-02", 3},
        {Bug::kTruncIgnored, 80, {"I-DISK"}, "Z-10", 3},
        {Bug::kInstallNotAtomic, 100, {"I-DUR", "I-LIVE"}, "Z-08", 3},
        {Bug::kAmnesiacCounted, 80, {"I-DISK"}, "Z-15", 3},
        {Bug::kReadSkipsRecord, 10, {"assertion"}, "Z-22", 3},
        {Bug::kLogThreadDies, 10, {"I-LIVE"}, "Z-47", 3},
        {Bug::kStateWrong, 10, {"I-DET"}, "Z-45", 3},
        {Bug::kEphemeralKept, 20, {"assertion"}, "Z-63", 3},
        {Bug::kVoteInflated, 80, {"I-LIVE"}, "Z-07", 3},
        {Bug::kQuorumOfOne, 20, {"I-ONE", "I-DUR"}, "Z-31", 3},
        {Bug::kSecretNotSpread, 10, {"I-SESS"}, "Z-65", 3},
        {Bug::kDiffForAll, 120, {"I-PREFIX"}, "Z-19", 3},
        {Bug::kTruncTooFar, 120, {"I-LIVE", "I-PREFIX"}, "Z-09", 3},
        {Bug::kLogEndUnderstated, 120, {"I-PREFIX"}, "Z-07", 3},
        {Bug::kSnapshotCutShort, 10, {"I-DET", "I-DUR"}, "Z-12", 3},
        {Bug::kSnapshotAltered, 20, {"I-DET"}, "Z-45", 3},
        {Bug::kSnapshotOlder, 20, {"I-DET"}, "Z-77", 3},
        {Bug::kNewLeaderEarly, 20, {"I-DISK"}, "Z-23", 3},
        {Bug::kNewLeaderAckedEarly, 30, {"I-LIVE"}, "Z-26", 3},
        {Bug::kUpToDateEarly, 5, {"I-LIVE"}, "Z-04", 3},
        {Bug::kProposalAltered, 10, {"I-PREFIX"}, "Z-41", 3},
        {Bug::kAckInflated, 60, {"I-LIVE"}, "Z-02", 3},
        {Bug::kAckOfDead, 80, {"I-DUR", "I-PREFIX"}, "Z-27", 3},
        {Bug::kCommitBeforeQuorum, 400, {"I-DUR", "I-PREFIX"}, "Z-27", 3},
        {Bug::kCommitDropped, 5, {"I-LIN", "I-LIVE"}, "Z-25", 3},
        {Bug::kInformDropped, 40, {"I-LIN", "I-LIVE"}, "Z-51", 3},
        {Bug::kLeaderNeverSilent, 60, {"I-LIVE"}, "Z-36", 3},
        {Bug::kRequestForwardedTwice, 10, {"I-FIFO", "I-MODEL"}, "Z-44", 3},
        {Bug::kRequestDropped, 20, {"I-FIFO", "I-LIVE"}, "Z-43", 3},
        {Bug::kRequestsSwapped, 10, {"I-FIFO", "I-LIVE"}, "Z-43", 3},
        {Bug::kSyncAnsweredAtOnce, 120, {"I-LIN"}, "Z-34", 3},
        {Bug::kSyncBeforeCommits, 80, {"I-LIN"}, "Z-35", 3},
        {Bug::kTouchesDropped, 10, {"I-SESS"}, "Z-64", 3},
        {Bug::kExpiredByFollower, 10, {"I-SESS"}, "Z-64", 3},
        {Bug::kWatchesSetAnew, 30, {"I-WATCH"}, "Z-73", 3},
    }));
    if (ZABD_SIM_SLOW && c.seeds_max > 5) return;  // under sanitizers a few must do
    expect_found(c);
}

}  // namespace zabd::sim
