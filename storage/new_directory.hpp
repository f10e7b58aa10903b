// A data directory that begins with a state from elsewhere, made whole before it takes its place.
//
// Place     ROOT is empty (but for a member's number, myid), or not there yet. All is made in ROOT/unfinished, which finish() then renames to ROOT/zabd, in one
//           step. What a crash leaves before that is no data directory, and is removed by the next attempt.
// Threads   the caller's.
// Errors    Errc::kBadConfig if ROOT holds anything; those of DataDir, LmdbStore and Log. What is not finished is removed.
// Bounds    images wait in memory up to kBatchBytes.
#pragma once

#include "storage/data_dir.hpp"
#include "storage/hard_state.hpp"
#include "storage/pending_images.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace zabd::storage {

class LmdbStore;

/// What the hard state takes over.
struct BroughtAlong {
    Epoch accepted_epoch = 0;
    Epoch current_epoch = 0;
    bool provisional = false;  // nobody has said that all of it was committed
};

class NewDirectory {
public:
    static constexpr std::uint64_t kBatchBytes = 64 << 20;

    static Result<std::unique_ptr<NewDirectory>> begin(const std::filesystem::path& root);
    ~NewDirectory();

    Result<void> put(wire::StateImages images);
    /// What was put is complete up to `zxid`.
    Result<void> finish(Zxid zxid, const BroughtAlong& brought);

private:
    explicit NewDirectory(std::filesystem::path root);
    Result<void> commit();

    std::filesystem::path root_;
    std::unique_ptr<DataDir> directory_;
    std::unique_ptr<LmdbStore> store_;
    PendingImages pending_;
};

/// Makes sure that there is nothing in the directory but myid and `leftover`, which is removed; and makes the directory if
/// it is not there.
Result<void> clear_for(const std::filesystem::path& root, const std::filesystem::path& leftover);

}  // namespace zabd::storage
