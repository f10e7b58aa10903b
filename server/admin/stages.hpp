// How long writes spend in each stage, as histograms.
//
// Threads   add() by one thread; the rest from any, at any time.
// Bounds    the buckets are fixed; a quantile is as exact as they are, the maximum exact.
// Time      since start.
#pragma once

#include "server/witness.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace zabd::server::admin {

/// In order of StageTimes.
inline constexpr std::array<std::string_view, 6> kStages{"queue", "prepare", "fsync", "quorum", "apply", "reply"};

/// Upper bounds of the buckets, in us; what is longer is in one more.
inline constexpr std::array<std::uint64_t, 22> kStageBounds{
    1,     2,      5,      10,     20,      50,      100,     200,       500,       1'000,     2'000,
    5'000, 10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000};

/// A histogram at one moment.
struct StageCounts {
    std::array<std::uint64_t, kStageBounds.size() + 1> buckets{};  // each by itself, not cumulated
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;
    std::uint64_t max_us = 0;

    /// In us, 0 <= q <= 1; as if what is in a bucket were spread evenly. 0 if nothing was counted.
    [[nodiscard]] std::uint64_t quantile(double q) const;
};

class StageHistograms {
public:
    void add(const StageTimes& times);
    /// `stage`: index into kStages.
    [[nodiscard]] StageCounts counts(std::size_t stage) const;

private:
    using Counter64 = std::atomic<std::uint64_t>;
    struct Histogram {
        std::array<Counter64, kStageBounds.size() + 1> buckets{};
        Counter64 sum_us{0};
        Counter64 max_us{0};
        void add(std::chrono::microseconds time);
    };
    std::array<Histogram, kStages.size()> histograms_;
};

}  // namespace zabd::server::admin
