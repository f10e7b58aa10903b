// The one source of chance of a run. Its own arithmetic, so that every compiler and library draws the same numbers.
//
// Order     C++ leaves open in which order a call's arguments and an operator's operands are evaluated: one expression
//           draws once.
#pragma once

#include "tests/sim/time.hpp"
#include "wire/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace zabd::sim {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) {}

    /// Draws `number` for ever: delays that do not vary, and nothing by chance. 895 gives short ones, no split, a power cut
    /// that loses all that is not synced.
    static Random constant(std::uint64_t number) {
        Random random(0);
        random.constant_ = number;
        return random;
    }

    std::uint64_t next() {
        if (constant_) return *constant_;
        state_ += 0x9e3779b97f4a7c15u;  // splitmix64
        auto mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        return mixed ^ (mixed >> 31);
    }

    /// 0 to bound - 1.
    std::uint64_t below(std::uint64_t bound) {
        ZABD_ASSERT(bound > 0);
        return next() % bound;
    }
    /// Both ends included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    Duration between(Duration low, Duration high) {
        return low + Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>((high - low).count()) + 1)));
    }
    /// Small ones far more often than long ones, as latencies are.
    Duration mostly_short(Duration low, Duration high) {
        const auto divisor = 1 << below(8);
        return low + (between(low, high) - low) / divisor;
    }

    bool coin() { return (next() & 1) != 0; }
    bool per_mille(std::uint64_t chances) { return below(1000) < chances; }

    template <class T>
    T& pick(std::span<T> among) {
        return among[below(among.size())];
    }
    template <class T, std::size_t kSize>
    const T& pick(const T (&among)[kSize]) {
        return among[below(kSize)];
    }

private:
    std::uint64_t state_;
    std::optional<std::uint64_t> constant_;
};

}  // namespace zabd::sim
