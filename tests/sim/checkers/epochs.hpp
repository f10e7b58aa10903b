// I-EPOCH: on the disk the accepted epoch is never below the current one, nor below that of the last record of the log, and
// none of them goes back. (A learner that joins late logs records of the epoch before that becomes its current one: its
// history has to be whole first.)
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>

namespace zabd::sim {

class EpochsChecker final : public Checker {
public:
    void on_hard_state_saved(ServerId server, const zab::HardState& state) override;
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_recovery(const Recovery& recovery, const Model& model) override;
    void on_disk_lost(ServerId server, bool) override { saved_.erase(server); }

private:
    static void check_log(ServerId server, const DiskFacts& disk);

    std::map<ServerId, zab::HardState> saved_;
};

}  // namespace zabd::sim
