// Puts one batch into an LMDB transaction: the after-images, and the record that says what all is complete up to.
//
// Errors    LMDB's code; after one the transaction has to be aborted.
#pragma once

#include "storage/checkpoint_format.hpp"
#include "storage/lmdb_environment.hpp"
#include "storage/pending_images.hpp"

#include <functional>

namespace zabd::storage {

/// `meta` is brought up to date. `pause` is called every now and then, for the writing to give way to others.
int write_batch(const LmdbEnvironment& environment, MDB_txn* transaction, const CheckpointBatch& batch,
                const std::function<void()>& pause, CheckpointMeta& meta);

}  // namespace zabd::storage
