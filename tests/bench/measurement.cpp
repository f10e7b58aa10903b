#include "tests/bench/measurement.hpp"

#include <ctime>

namespace zabd::bench {
namespace {

std::chrono::nanoseconds cpu_of_this_process() {
    std::timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

Clock::duration whole(Seconds duration) { return std::chrono::duration_cast<Clock::duration>(duration); }

}  // namespace

Measurement::Measurement(const ServerProbe& probe, Seconds warm_up, std::optional<Seconds> measured)
    : probe_(probe), measured_(measured) {
    if (measured_) {
        phase_end_ = Clock::now() + whole(warm_up);
    } else {
        begin();
    }
}

void Measurement::turn(Clock::time_point now) {
    if (now < phase_end_ || over()) return;
    running() ? end() : begin();
}

void Measurement::begin() {
    begin_ = read_meters(true);
    phase_ = Phase::kMeasured;
    if (measured_) phase_end_ = begin_.at + whole(*measured_);
}

void Measurement::end() {
    const auto meters = read_meters(false);
    phase_ = Phase::kOver;
    end_ = meters.at;
    outcome_.elapsed = end_ - begin_.at;
    outcome_.own_cpu = meters.own_cpu - begin_.own_cpu;
    if (meters.server_cpu) outcome_.server_cpu = *meters.server_cpu - *begin_.server_cpu;
    if (!meters.syncs || !begin_.syncs) return;
    const Seconds between = meters.syncs_at - begin_.syncs_at;
    outcome_.syncs_per_second = static_cast<double>(*meters.syncs - *begin_.syncs) / between.count();
}

/// To ask for the syncs takes a while, so that is done outside of the interval.
Measurement::Meters Measurement::read_meters(bool syncs_first) const {
    Meters meters;
    const auto read_syncs = [&] { meters.syncs = probe_.syncs(), meters.syncs_at = Clock::now(); };
    if (syncs_first) read_syncs();
    meters.server_cpu = probe_.cpu();
    meters.own_cpu = cpu_of_this_process();
    meters.at = Clock::now();
    if (!syncs_first) read_syncs();
    return meters;
}

bool Measurement::contains(Clock::time_point moment) const {
    return phase_ != Phase::kWarmUp && moment >= begin_.at && moment < end_;
}

void Measurement::count(Clock::time_point since, Clock::time_point now) {
    if (!running()) return;
    ++outcome_.operations;
    if (contains(since)) outcome_.latency.add(now - since);
}

void Measurement::count_by_start(Clock::time_point since, Clock::time_point now) {
    if (!contains(since)) return;
    ++outcome_.operations;
    outcome_.latency.add(now - since);
}

void Measurement::count_error(wire::ErrorCode code) { ++outcome_.errors[static_cast<std::int32_t>(code)]; }

}  // namespace zabd::bench
