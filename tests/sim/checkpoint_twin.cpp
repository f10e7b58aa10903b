#include "tests/sim/checkpoint_twin.hpp"

#include <algorithm>
#include <utility>

namespace zabd::sim {

namespace {

const Disk::Path kPlace = "/checkpoint";

}  // namespace

Result<void> CheckpointTwin::reserve(const Images& next) {
    const auto bytes = next.bytes();
    const auto before = std::exchange(disk_.reserved, std::max(disk_.reserved, bytes));  // the file never shrinks
    if (disk_.used_bytes() <= disk_.capacity) return {};
    disk_.reserved = before;
    return failure(Errc::kNoSpace, kPlace.string() + ": no space left on the disk");
}

Result<void> CheckpointTwin::commit(const storage::CheckpointBatch& batch) {
    auto next = stored_;
    next.add(batch);  // all that is needed of it: what comes meanwhile may move it
    if (meanwhile) meanwhile();
    if (auto reserved = reserve(next); !reserved) return reserved;
    if (planted_.is(Bug::kZxidBeforeData)) stored_.summary = next.summary;
    return write(std::move(next));
}

Result<void> CheckpointTwin::fill(Images images) {
    stored_ = {};
    if (auto reserved = reserve(images); !reserved) return reserved;
    return write(std::move(images));
}

Result<void> CheckpointTwin::write(Images next) {
    if (auto written = disk_.call(DiskCall::kCommit, kPlace); !written) return written;  // pages
    committing_ = &next;
    auto synced = disk_.call(DiskCall::kCommit, kPlace);  // the page that names them
    committing_ = nullptr;
    if (synced || (disk_.coin && disk_.coin())) stored_ = std::move(next);
    return synced;
}

}  // namespace zabd::sim
