#include "tests/bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace zabd::bench {

void Histogram::add(Nanoseconds latency) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency.count()));
    ++counts_[bucket_of(value)];
    ++count_;
    max_ = std::max(max_, value);
}

Histogram::Nanoseconds Histogram::quantile(double quantile) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += counts_[bucket];
        if (seen >= wanted && seen > 0)
            return Nanoseconds(static_cast<std::int64_t>(std::min(max_, upper_edge(bucket))));
    }
    return Nanoseconds(0);
}

std::size_t Histogram::bucket_of(std::uint64_t value) {
    const auto bits = static_cast<unsigned>(std::bit_width(value));
    if (bits <= kStepBits + 1) return value;
    const unsigned shift = bits - kStepBits - 1;
    return (std::size_t{shift} << kStepBits) + (value >> shift);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
    if (bucket < std::size_t{2} << kStepBits) return bucket;
    const auto shift = static_cast<unsigned>((bucket >> kStepBits) - 1);
    const std::uint64_t step = (bucket & ((std::size_t{1} << kStepBits) - 1)) + (std::size_t{1} << kStepBits);
    return ((step + 1) << shift) - 1;
}

}  // namespace zabd::bench
