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
#include "storage/hard_state_writer.hpp"
#include "storage/installer.hpp"
#include "storage/log.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zabd::storage {

struct StorageOptions {
    std::filesystem::path data_root;
    std::filesystem::path log_root;  // empty: data_root
    std::size_t segment_bytes = LogOptions{}.segment_bytes;
    std::uint64_t retain_bytes = LogOptions{}.retain_bytes;
    CheckpointTriggers checkpoint{};
    /// A member of an ensemble: damage of log or checkpoint does not end the start. They are put aside, and it goes on with
    /// empty ones and without a history, for its leader to heal.
    bool quarantine = false;
};

/// What is known once the state is whole.
struct Found {
    StoredHardState hard_state;
    CheckpointSummary checkpoint;
    Zxid log_begin;                // records behind it can be read from the log
    std::vector<Zxid> epoch_ends;  // behind log_begin, up to the checkpoint: the last zxid of each epoch that is over
};

struct RecoveryVisitor {
    CheckpointVisitor state;
    /// The state is whole; records follow, and what they change may be put into the checkpoint at once.
    std::function<Result<void>(const Found&, Checkpoint&)> on_state;
    std::function<void(LogRecord)> on_record;  // each behind the checkpoint, in order
    /// With StorageOptions::quarantine: all that was told so far is void, and is told anew.
    std::function<void()> on_quarantine{};
};

struct Quarantine {
    std::filesystem::path directory;  // where they are now, with a log directory of its own also there under this name
    std::string reason;
};

struct Storage {
    std::unique_ptr<DataDir> directory;  // outlives the others: it holds the lock
    std::unique_ptr<HardStateWriter> hard_state;
    std::unique_ptr<Checkpoint> checkpoint;
    std::unique_ptr<Log> log;
    std::unique_ptr<Installer> installer;
    StoredHardState hard_state_found;
    CheckpointSummary checkpoint_found;
    LogScan log_found;
    std::optional<Quarantine> quarantine;
};

Result<Storage> open_storage(const StorageOptions& options, const RecoveryVisitor& visitor);

}  // namespace zabd::storage
