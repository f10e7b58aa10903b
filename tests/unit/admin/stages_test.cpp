#include "server/admin/stages.hpp"

#include <catch2/catch.hpp>

namespace zabd::server::admin {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kFsync = 2;
static_assert(kStages[kFsync] == "fsync");

/// Of which only this stage took any time.
StageTimes fsync_of(std::int64_t us) {
    StageTimes times;
    times.fsync = microseconds{us};
    return times;
}

TEST_CASE("each stage has a histogram of its own", "[admin][stages]") {
    StageHistograms histograms;
    StageTimes times;
    times.queue = microseconds{1};
    times.prepare = microseconds{20};
    times.fsync = microseconds{300};
    times.quorum = microseconds{4000};
    times.apply = microseconds{50'000};
    times.reply = microseconds{600'000};
    histograms.add(times);
    const std::array<std::uint64_t, 6> expected{1, 20, 300, 4000, 50'000, 600'000};
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
        CAPTURE(kStages[stage]);
        const auto counts = histograms.counts(stage);
        CHECK(counts.count == 1);
        CHECK(counts.sum_us == expected[stage]);
        CHECK(counts.max_us == expected[stage]);
    }
}

TEST_CASE("a time is in the first bucket whose bound it does not exceed", "[admin][stages]") {
    struct Case {
        std::int64_t us;
        std::size_t bucket;
    };
    const auto c =
        GENERATE(values<Case>({{-5, 0}, {0, 0}, {1, 0}, {2, 1}, {3, 2}, {5, 2}, {10'000'000, 21}, {10'000'001, 22}}));
    CAPTURE(c.us);
    StageHistograms histograms;
    histograms.add(fsync_of(c.us));
    CHECK(histograms.counts(kFsync).buckets[c.bucket] == 1);
}

TEST_CASE("quantiles are within the bucket that they fall in, and not above the maximum", "[admin][stages]") {
    StageHistograms histograms;
    CHECK(histograms.counts(kFsync).quantile(0.5) == 0);
    for (int n = 0; n < 98; ++n) histograms.add(fsync_of(150));
    for (int n = 0; n < 2; ++n) histograms.add(fsync_of(70'000));
    const auto counts = histograms.counts(kFsync);
    CHECK(counts.quantile(0.5) > 100);
    CHECK(counts.quantile(0.5) <= 200);
    CHECK(counts.quantile(0.99) > 50'000);
    CHECK(counts.quantile(0.99) <= 70'000);
    CHECK(counts.quantile(1) == 70'000);
}

TEST_CASE("what is longer than the last bound counts", "[admin][stages]") {
    StageHistograms histograms;
    histograms.add(fsync_of(90'000'000));
    const auto counts = histograms.counts(kFsync);
    CHECK(counts.count == 1);
    CHECK(counts.quantile(0.5) == 90'000'000);
}

}  // namespace
}  // namespace zabd::server::admin
