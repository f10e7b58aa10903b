// The highest of the values that came lately.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace zabd {

/// Of the second that runs and the one before it.
template <class TimePoint>
class RecentMax {
public:
    void add(TimePoint now, std::uint64_t value) {
        turn(now);
        latest_ = std::max(latest_, value);
    }
    [[nodiscard]] std::uint64_t at(TimePoint now) const {
        auto copy = *this;
        copy.turn(now);
        return std::max(copy.latest_, copy.before_);
    }

private:
    static constexpr std::chrono::seconds kSlot{1};

    void turn(TimePoint now) {
        if (now - began_ < kSlot) return;
        before_ = now - began_ < 2 * kSlot ? latest_ : 0;
        latest_ = 0;
        began_ = now;
    }

    TimePoint began_{};
    std::uint64_t latest_ = 0;
    std::uint64_t before_ = 0;
};

}  // namespace zabd
