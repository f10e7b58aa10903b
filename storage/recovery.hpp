// What a data directory holds, told in the order in which a core takes it: the state of the checkpoint, then the log
// behind it.
//
// Contract  opens the directory (and locks it), then the checkpoint, then the log. Everything is judged before the log is
//           repaired; on an error the caller throws away what it was told.
// Threads   the caller's. Nothing runs yet: start() what is returned.
// Errors    those of DataDir, Checkpoint and Log. A log that ends before the checkpoint is Errc::kDamaged: it has lost
//           what was acknowledged.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/data_dir.hpp"
#include "storage/log.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace zabd::storage {

struct StorageOptions {
    std::filesystem::path data_root;
    std::filesystem::path log_root;  // empty: data_root
    std::size_t segment_bytes = LogOptions{}.segment_bytes;
    CheckpointTriggers checkpoint{};
};

struct RecoveryVisitor {
    CheckpointVisitor state;
    /// The state is whole; records follow, and what they change may be put into the checkpoint at once.
    std::function<Result<void>(const DataDir&, const CheckpointSummary&, Checkpoint&)> on_state;
    std::function<void(LogRecord)> on_record;  // each behind the checkpoint, in order
};

struct Storage {
    std::unique_ptr<DataDir> directory;  // outlives the others: it holds the lock
    std::unique_ptr<Checkpoint> checkpoint;
    std::unique_ptr<Log> log;
    CheckpointSummary checkpoint_found;
    LogScan log_found;
};

Result<Storage> open_storage(const StorageOptions& options, const RecoveryVisitor& visitor);

}  // namespace zabd::storage
