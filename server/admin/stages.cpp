#include "server/admin/stages.hpp"

#include <algorithm>
#include <cmath>

namespace zabd::server::admin {
namespace {

/// One thread writes: nothing is lost between the two halves.
void grow(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

std::uint64_t StageCounts::quantile(double q) const {
    if (count == 0) return 0;
    const auto rank = std::max(1.0, std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count)));
    double below = 0;
    for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
        const auto inside = static_cast<double>(buckets[bucket]);
        if (below + inside < rank) {
            below += inside;
            continue;
        }
        const auto from = bucket == 0 ? 0 : kStageBounds[bucket - 1];
        const auto to = std::min(bucket < kStageBounds.size() ? kStageBounds[bucket] : max_us, std::max(max_us, from));
        const auto width = static_cast<double>(to - from);
        return from + static_cast<std::uint64_t>(std::llround(width * (rank - below) / inside));
    }
    return max_us;
}

void StageHistograms::Histogram::add(std::chrono::microseconds time) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
    const auto bucket = std::ranges::lower_bound(kStageBounds, us) - kStageBounds.begin();
    grow(buckets[static_cast<std::size_t>(bucket)], 1);
    grow(sum_us, us);
    max_us.store(std::max(max_us.load(std::memory_order_relaxed), us), std::memory_order_relaxed);
}

void StageHistograms::add(const StageTimes& times) {
    const std::array in_order{times.queue, times.prepare, times.fsync, times.quorum, times.apply, times.reply};
    static_assert(std::tuple_size_v<decltype(in_order)> == kStages.size());
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) histograms_[stage].add(in_order[stage]);
}

StageCounts StageHistograms::counts(std::size_t stage) const {
    const auto& histogram = histograms_.at(stage);
    StageCounts counts;
    for (std::size_t bucket = 0; bucket < counts.buckets.size(); ++bucket) {
        counts.buckets[bucket] = histogram.buckets[bucket].load(std::memory_order_relaxed);
        counts.count += counts.buckets[bucket];
    }
    counts.sum_us = histogram.sum_us.load(std::memory_order_relaxed);
    counts.max_us = histogram.max_us.load(std::memory_order_relaxed);
    return counts;
}

}  // namespace zabd::server::admin
