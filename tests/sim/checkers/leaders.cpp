#include "tests/sim/checkers/leaders.hpp"

#include <fmt/format.h>

namespace zabd::sim {

void LeadersChecker::on_batch_end(const BatchEnd& end, const Model&) {
    if (end.status.state != core::ServerState::kLeading || !end.status.serving) {
        leads_.erase(end.server);
        return;
    }
    const auto epoch = end.status.epoch;
    const auto before = leads_.find(end.server);
    if (before != leads_.end() && before->second == epoch) return;
    leads_[end.server] = epoch;
    on_leads(end.server, epoch);
    if (leaders_.rbegin()->first == epoch && end.status.zxid_applied < end.history.zxid_acknowledged())
        violated("I-DUR",
                 fmt::format("server {} leads epoch {} from {:#x}, but {:#x} was acknowledged", number(end.server),
                             epoch, end.status.zxid_applied.value, end.history.zxid_acknowledged().value));
}

void LeadersChecker::on_leads(ServerId server, Epoch epoch) {
    const auto [leader, first] = leaders_.try_emplace(epoch, server);
    if (!first && leader->second != server)
        violated("I-ONE",
                 fmt::format("servers {} and {} lead in epoch {}", number(leader->second), number(server), epoch));
}

}  // namespace zabd::sim
