// When a run is measured and what is measured then: a warm-up, an interval, and what the server used in it.
#pragma once

#include "tests/bench/histogram.hpp"
#include "tests/bench/server_probe.hpp"
#include "wire/error_codes.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

namespace zabd::bench {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Outcome {
    std::uint64_t operations = 0;
    Seconds elapsed{};
    Histogram latency;
    std::map<std::int32_t, std::uint64_t> errors;  // by code, over the whole run, warm-up included
    std::optional<std::chrono::nanoseconds> server_cpu;
    std::optional<double> syncs_per_second;
    std::chrono::nanoseconds own_cpu{};
};

class Measurement {
public:
    /// Begins to measure after the warm-up. Without `measured` it begins at once and ends with end(). The probe must
    /// outlive it.
    Measurement(const ServerProbe& probe, Seconds warm_up, std::optional<Seconds> measured);

    /// Begins and ends what is due; to be called often.
    void turn(Clock::time_point now);
    void end();
    [[nodiscard]] bool running() const { return phase_ == Phase::kMeasured; }
    [[nodiscard]] bool over() const { return phase_ == Phase::kOver; }
    /// Whether the moment lies in the measured interval, as far as that has come.
    [[nodiscard]] bool contains(Clock::time_point moment) const;

    /// An operation that was begun (or due) at `since` and ended at `now`. It is counted if it ended while measuring,
    /// and its latency too if it also began then.
    void count(Clock::time_point since, Clock::time_point now);
    /// The same for operations that count by the moment at which they were due, however late they end.
    void count_by_start(Clock::time_point since, Clock::time_point now);
    void count_error(wire::ErrorCode code);

    /// To be taken when it is over.
    Outcome take() { return std::move(outcome_); }

private:
    enum class Phase { kWarmUp, kMeasured, kOver };
    /// Readings of meters that only grow.
    struct Meters {
        Clock::time_point at;
        std::optional<std::chrono::nanoseconds> server_cpu;
        std::optional<std::uint64_t> syncs;
        Clock::time_point syncs_at;
        std::chrono::nanoseconds own_cpu{};
    };

    void begin();
    [[nodiscard]] Meters read_meters(bool syncs_first) const;

    const ServerProbe& probe_;
    std::optional<Seconds> measured_;
    Phase phase_ = Phase::kWarmUp;
    Clock::time_point phase_end_ = Clock::time_point::max();
    Meters begin_;
    Clock::time_point end_ = Clock::time_point::max();
    Outcome outcome_;
};

}  // namespace zabd::bench
