#include "server/stage_sampler.hpp"

#include <utility>
#include <variant>

namespace zabd::server {

void StageSampler::prepared(const core::Outputs& outputs, std::size_t first) {
    for (auto i = first; i < outputs.items.size(); ++i) {
        const auto* append = std::get_if<core::AppendToLog>(&outputs.items[i]);
        if (!append) continue;
        prepared_at_ = Clock::now();
        following_ = true;
        durable_ = applied_ = false;
        zxid_ = append->zxid;
        times_ = {};
        times_.queue = between(turn_began_, begun_);
        times_.prepare = between(begun_, prepared_at_);
        return;
    }
}

void StageSampler::before_step(const core::Input& input) {
    step_began_ = Clock::now();
    const auto* durable = std::get_if<core::LogDurable>(&input);
    if (durable_ || !durable || durable->up_to < zxid_) return;
    durable_ = true;
    durable_at_ = step_began_;
    times_.fsync = between(prepared_at_, durable_at_);
}

void StageSampler::after_step(Zxid applied) {
    if (applied_ || !durable_ || applied < zxid_) return;
    applied_ = true;
    applied_at_ = Clock::now();
    times_.quorum = between(durable_at_, step_began_);
    times_.apply = between(step_began_, applied_at_);
}

std::optional<StageTimes> StageSampler::carried_out() {
    if (!following_ || !applied_) return std::nullopt;
    following_ = false;
    times_.reply = between(applied_at_, Clock::now());
    return times_;
}

}  // namespace zabd::server
