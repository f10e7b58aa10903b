// The checkpoint in LMDB, without its thread: loading, and one batch at a time.
//
// Contract  a batch is one LMDB transaction: after a crash all of it is there or nothing.
// Threads   one at a time; figures() from any.
// Errors    those of LmdbEnvironment. commit() knows two kinds: Errc::kNoSpace, when the file could not be extended and
//           nothing was changed, and all others, after which the process has to stop.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/checkpoint_format.hpp"
#include "storage/checkpoint_writer.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace zabd::storage {

class LmdbEnvironment;

struct LmdbStoreOptions {
    std::filesystem::path directory;
    std::uint64_t identity = 0;             // of the data directory
    std::uint64_t bytes_initial = 1 << 20;  // of a fresh file
};

class LmdbStore final : public CheckpointStore {
public:
    static Result<std::unique_ptr<LmdbStore>> open(const LmdbStoreOptions& options, const CheckpointVisitor& visitor,
                                                   CheckpointSummary& summary);
    ~LmdbStore() override;

    /// Called between slices of a batch, for the writing to give way to others.
    void set_pause(std::function<void()> pause) { pause_ = std::move(pause); }

    Result<void> commit(const CheckpointBatch& batch) override;
    [[nodiscard]] std::uint64_t size_bytes() const override;
    /// By which the file will be extended next, more if a batch needs more.
    [[nodiscard]] std::uint64_t growth_bytes() const;
    /// LmdbEnvironment::oldest_reader_lag().
    Result<std::optional<std::uint64_t>> oldest_reader_lag();

private:
    LmdbStore(LmdbStoreOptions options, std::unique_ptr<LmdbEnvironment> environment);

    Result<void> write(const CheckpointBatch& batch);
    Result<bool> try_commit(const CheckpointBatch& batch);
    Result<std::uint64_t> make_room(const CheckpointBatch& batch);
    void between_slices();
    Result<void> grow(std::uint64_t bytes_more);

    LmdbStoreOptions options_;
    std::function<void()> pause_;
    std::unique_ptr<LmdbEnvironment> environment_;
    CheckpointMeta meta_;   // of the newest state in the file
    bool written_ = false;  // but it does not count yet: its head found no space
};

}  // namespace zabd::storage
