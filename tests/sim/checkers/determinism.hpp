// I-DET: the state is a function of the history. After each recovery a second core replays the same transactions from an
// earlier checkpoint, and must come to the same state, node by node, and to the same digest.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <vector>

namespace zabd::sim {

class DeterminismChecker final : public Checker {
public:
    explicit DeterminismChecker(Random& random) : random_(random) {}

    void on_committed(const Committed& committed, const Model& model) override;
    void on_recovery(const Recovery& recovery, const Model& model) override;
    /// Nodes have other numbers from here on.
    void on_replaced(ServerId, Zxid) override { checkpoints_ = {}, began_elsewhere_ = true; }
    void on_disk_lost(ServerId, bool) override { checkpoints_ = {}, began_elsewhere_ = false; }

private:
    struct Record {
        Zxid zxid;
        Bytes txn;
    };
    [[nodiscard]] Images replayed(const Images& from, const Recovery& recovery) const;

    Random& random_;
    std::vector<Record> history_;
    bool began_elsewhere_ = false;
    std::vector<Images> checkpoints_;  // of which the servers started, the first of all being none
};

}  // namespace zabd::sim
