// Puts one batch into an LMDB transaction: the after-images, and the record that says what all is complete up to.
//
// Errors    LMDB's code; after one the transaction has to be aborted.
#pragma once

#include "storage/checkpoint_format.hpp"
#include "storage/lmdb_environment.hpp"
#include "storage/pending_images.hpp"

#include <functional>

namespace zabd::storage {

/// `meta` is brought up to date. `between_slices` is called every few hundred records.
int write_batch(const LmdbEnvironment& environment, MDB_txn* transaction, const CheckpointBatch& batch,
                const std::function<void()>& between_slices, CheckpointMeta& meta);

}  // namespace zabd::storage
