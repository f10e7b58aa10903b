#include "storage/recovery.hpp"

#include <utility>

namespace zabd::storage {

Result<Storage> open_storage(const StorageOptions& options, const RecoveryVisitor& visitor) {
    Storage storage;
    auto directory = DataDir::open(options.data_root, options.log_root.empty() ? options.data_root : options.log_root);
    if (!directory) return std::unexpected(directory.error());
    storage.directory = std::move(*directory);

    const CheckpointOptions checkpoint_options{.directory = storage.directory->checkpoint_directory(),
                                               .identity = storage.directory->identity(),
                                               .triggers = options.checkpoint};
    auto checkpoint = Checkpoint::open(checkpoint_options, visitor.state, storage.checkpoint_found);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    storage.checkpoint = std::move(*checkpoint);
    if (auto told = visitor.on_state(*storage.directory, storage.checkpoint_found, *storage.checkpoint); !told)
        return std::unexpected(told.error());

    const LogOptions log_options{.directory = storage.directory->log_directory(),
                                 .segment_bytes = options.segment_bytes,
                                 .identity = storage.directory->identity()};
    auto log = Log::open(log_options, storage.checkpoint_found.zxid, visitor.on_record, storage.log_found);
    if (!log) return std::unexpected(log.error());
    storage.log = std::move(*log);
    return storage;
}

}  // namespace zabd::storage
