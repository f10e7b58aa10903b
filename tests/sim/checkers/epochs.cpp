#include "tests/sim/checkers/epochs.hpp"

#include <fmt/format.h>

namespace zabd::sim {

void EpochsChecker::on_hard_state_saved(ServerId server, const zab::HardState& state) {
    const auto& before = saved_[server];
    if (state.accepted_epoch < before.accepted_epoch || state.current_epoch < before.current_epoch)
        violated("I-EPOCH",
                 fmt::format("server {} saves epochs {} and {} over {} and {}", number(server), state.accepted_epoch,
                             state.current_epoch, before.accepted_epoch, before.current_epoch));
    if (state.current_epoch > state.accepted_epoch)
        violated("I-EPOCH", fmt::format("server {} saves current epoch {} above the accepted one, {}", number(server),
                                        state.current_epoch, state.accepted_epoch));
    saved_[server] = state;
}

void EpochsChecker::on_batch_end(const BatchEnd& end, const Model&) {
    if (end.status.state != core::ServerState::kStandalone) check_log(end.server, end.disk);
}

void EpochsChecker::on_recovery(const Recovery& recovery, const Model&) {
    if (recovery.options.membership.voters().size() == 1) return;
    const auto& found = recovery.disk.hard_state;
    const auto& before = saved_[recovery.server];
    if (found.accepted_epoch < before.accepted_epoch || found.current_epoch < before.current_epoch)
        violated("I-EPOCH",
                 fmt::format("server {} starts with epochs {} and {}, and had saved {} and {}", number(recovery.server),
                             found.accepted_epoch, found.current_epoch, before.accepted_epoch, before.current_epoch));
    check_log(recovery.server, recovery.disk);
}

void EpochsChecker::check_log(ServerId server, const DiskFacts& disk) {
    if (disk.log_durable.epoch() > disk.hard_state.accepted_epoch)
        violated("I-EPOCH", fmt::format("server {} has {:#x} in its log, and has accepted epoch {}", number(server),
                                        disk.log_durable.value, disk.hard_state.accepted_epoch));
}

}  // namespace zabd::sim
