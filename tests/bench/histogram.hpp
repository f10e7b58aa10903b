// Latencies in buckets of at most 1/64 of their value, so that any number of them takes the same few KiB.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace zabd::bench {

class Histogram {
public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// A negative latency counts as zero.
    void add(Nanoseconds latency);

    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The upper edge of the bucket that holds the quantile (0 to 1], but never above max(); zero when empty.
    [[nodiscard]] Nanoseconds quantile(double quantile) const;
    [[nodiscard]] Nanoseconds max() const { return Nanoseconds(static_cast<std::int64_t>(max_)); }

private:
    // Below 2^(kStepBits+1) ns each value has a bucket of its own; above, each power of two has 2^kStepBits of them.
    static constexpr unsigned kStepBits = 6;
    static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;
    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t upper_edge(std::size_t bucket);

    std::array<std::uint64_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace zabd::bench
