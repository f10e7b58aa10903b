// The checkpoint in LMDB, without its thread: loading, and one batch at a time.
//
// Contract  a batch is one LMDB transaction: after a crash all of it is there or nothing.
// Views     a snapshot's source reads the state of one batch from a map of its own while later batches are written. It pins
//           that state's pages, for as long as it lives or makes progress.
// Threads   one at a time; a source that was opened on any other.
// Errors    those of LmdbEnvironment. commit() knows two kinds: Errc::kNoSpace, when the file could not be extended and
//           nothing was changed, and all others, after which the process has to stop.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/checkpoint_format.hpp"
#include "storage/checkpoint_writer.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace zabd::storage {

class LmdbEnvironment;
class LmdbView;

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
    /// Of the newest batch. While no batch is being written; nullptr: there is none yet.
    Result<std::unique_ptr<SnapshotSource>> open_snapshot(Instant now);
    /// Takes the pages back from sources that have been idle for SnapshotSource::kIdleMax.
    void end_idle_snapshots(Instant now);

    /// LmdbEnvironment::oldest_reader_lag().
    Result<std::optional<std::uint64_t>> oldest_reader_lag();

private:
    LmdbStore(LmdbStoreOptions options, std::unique_ptr<LmdbEnvironment> environment);

    Result<void> write(const CheckpointBatch& batch);
    Result<bool> try_commit(const CheckpointBatch& batch);
    Result<std::uint64_t> make_room(const CheckpointBatch& batch);
    void between_slices();
    [[nodiscard]] bool viewed();
    Result<void> grow(std::uint64_t bytes_more);

    LmdbStoreOptions options_;
    std::function<void()> pause_;
    std::shared_ptr<LmdbEnvironment> environment_;  // the views' too
    std::vector<std::weak_ptr<LmdbView>> views_;
    CheckpointMeta meta_;   // of the newest state in the file
    bool present_ = false;  // there is a state
    bool written_ = false;  // but it does not count yet: its head found no space
};

}  // namespace zabd::storage
