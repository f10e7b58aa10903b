// Follows one write at a time through this server, with a clock finer than the core's.
//
// Cost      of a frame that is not followed: a counter. At most one in kInterval is.
// Threads   the io thread's.
#pragma once

#include "server/core/core.hpp"
#include "server/witness.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace zabd::server {

class StageSampler {
public:
    static constexpr std::uint32_t kInterval = 16;  // frames

    /// Whether the frame that comes next is to be followed; then begin() and prepared() are called around its step.
    [[nodiscard]] bool due() { return !following_ && ++frames_ % kInterval == 0; }
    void turn_began() { turn_began_ = Clock::now(); }
    void begin() { begun_ = Clock::now(); }
    /// The outputs from `first` on are the frame's. Follows it if it has become a transaction.
    void prepared(const core::Outputs& outputs, std::size_t first);

    [[nodiscard]] bool following() const { return following_; }
    /// Around each step while following.
    void before_step(const core::Input& input);
    void after_step(Zxid applied);
    /// What was said has been carried out. All its times, if the one that is followed was answered.
    [[nodiscard]] std::optional<StageTimes> carried_out();
    void forget() { following_ = false; }

private:
    using Clock = std::chrono::steady_clock;
    using Micros = StageTimes::Micros;

    static Micros between(Clock::time_point from, Clock::time_point to) {
        return std::chrono::duration_cast<Micros>(to - from);
    }

    std::uint32_t frames_ = 0;
    bool following_ = false;
    bool durable_ = false;
    bool applied_ = false;
    Zxid zxid_{};
    StageTimes times_;
    Clock::time_point turn_began_, begun_, prepared_at_, durable_at_, step_began_, applied_at_;
};

}  // namespace zabd::server
