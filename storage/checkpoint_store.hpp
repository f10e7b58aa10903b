// The checkpoint's LMDB environment, without its thread: load, and one batch at a time.
//
// Contract  a batch is one LMDB transaction: after a crash all of it is there or nothing. No flag of LMDB that trades
//           durability is set; commit() returns once the batch is durable.
// Threads   one at a time. The environment is opened once in a process and must not be used after a fork.
// Errors    Errc::kDamaged with the file and what a restore needs; Errc::kNoSpace, Errc::kIo.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/pending_images.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace zabd::storage {

class CheckpointStore {
public:
    static Result<std::unique_ptr<CheckpointStore>> open(const CheckpointOptions& options,
                                                         const CheckpointVisitor& visitor, CheckpointSummary& summary);
    ~CheckpointStore();
    CheckpointStore(const CheckpointStore&) = delete;
    CheckpointStore& operator=(const CheckpointStore&) = delete;

    /// The map grows, and the batch is written again from its start, as often as it takes.
    Result<void> commit(const PendingImages& images);

    [[nodiscard]] std::uint64_t size_bytes() const;  // of the file
    [[nodiscard]] std::uint64_t map_bytes() const;

private:
    struct Environment;
    class Loading;
    class Batch;

    explicit CheckpointStore(std::unique_ptr<Environment> environment);

    std::unique_ptr<Environment> environment_;
};

/// The error for a checkpoint that fails its checks, with what can be done about it.
Error checkpoint_damage(const std::filesystem::path& directory, std::string_view what);

}  // namespace zabd::storage
