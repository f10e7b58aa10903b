// The checkpoint in memory, in the place of LMDB: batches are atomic, and durable once commit() has returned.
//
// Power     a batch whose commit had not returned is there, all of it, or not at all.
// Space     as much as the state takes; more than the disk has is Errc::kNoSpace, and nothing was changed.
#pragma once

#include "storage/checkpoint_writer.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/images.hpp"
#include "tests/sim/planted_bugs.hpp"

#include <cstdint>
#include <functional>

namespace zabd::sim {

class CheckpointTwin final : public storage::CheckpointStore {
public:
    /// Its place is on `disk`, whose calls its commits are.
    CheckpointTwin(Disk& disk, Planted planted) : disk_(disk), planted_(planted) {}

    Result<void> commit(const storage::CheckpointBatch& batch) override;
    [[nodiscard]] std::uint64_t size_bytes() const override { return disk_.reserved; }

    /// A whole state, into an empty one.
    Result<void> fill(Images images);
    /// As if it had been there.
    void restore(const Images& images) { stored_ = images; }

    [[nodiscard]] const Images& stored() const { return stored_; }
    /// What is being committed: after a power cut it may be there, or what is stored. nullptr: nothing is.
    [[nodiscard]] const Images* committing() const { return committing_; }

    /// Called in the midst of a commit: the store may have its time passed by more images.
    std::function<void()> meanwhile;

private:
    Result<void> reserve(const Images& next);
    Result<void> write(Images next);

    Disk& disk_;
    Planted planted_;
    Images stored_;
    const Images* committing_ = nullptr;
};

}  // namespace zabd::sim
