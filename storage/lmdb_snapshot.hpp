// A view of the checkpoint as the stream that a learner takes.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/checkpoint_format.hpp"
#include "storage/lmdb_view.hpp"

#include <memory>

namespace zabd::storage {

/// `meta` is that of the view's state.
std::unique_ptr<SnapshotSource> snapshot_of(std::shared_ptr<LmdbView> view, const CheckpointMeta& meta);

}  // namespace zabd::storage
