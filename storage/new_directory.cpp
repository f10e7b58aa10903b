#include "storage/new_directory.hpp"

#include "storage/file.hpp"
#include "storage/lmdb_store.hpp"
#include "storage/log.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUnfinished = "unfinished";
/// Of a disk of its own; and of a member, where its number is written down before there are data.
constexpr std::array<std::string_view, 2> kMayBeThere{"lost+found", "myid"};

}  // namespace

Result<void> clear_for(const fs::path& root, const fs::path& leftover) {
    std::error_code error;
    fs::create_directories(root, error);
    if (error) return std::unexpected(system_error(error.value(), root, "create the directory"));
    const auto names = real_file_system().list(root);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names) {
        if (name == leftover || std::ranges::find(kMayBeThere, name) != kMayBeThere.end()) continue;
        return failure(Errc::kBadConfig, root.string() + ": is not empty (" + name +
                                             "): choose a directory that is, or one that is not there yet");
    }
    fs::remove_all(root / leftover, error);
    if (error) return std::unexpected(system_error(error.value(), root / leftover, "remove"));
    return real_file_system().sync_directory(root);
}

NewDirectory::NewDirectory(fs::path root) : root_(std::move(root)), pending_(Zxid{}) {}

NewDirectory::~NewDirectory() {
    store_.reset();
    std::error_code error;  // what cannot be removed now, the next attempt removes
    fs::remove_all(root_ / kUnfinished, error);
}

Result<std::unique_ptr<NewDirectory>> NewDirectory::begin(const fs::path& root) {
    if (auto cleared = clear_for(root, kUnfinished); !cleared) return std::unexpected(cleared.error());
    std::unique_ptr<NewDirectory> made(new NewDirectory(root));
    const auto unfinished = root / kUnfinished;
    auto directory = DataDir::open(unfinished, unfinished);
    if (!directory) return std::unexpected(directory.error());
    made->directory_ = std::move(*directory);
    CheckpointSummary nothing;
    auto store = LmdbStore::open(
        {.directory = made->directory_->checkpoint_directory(0), .identity = made->directory_->identity(0)}, {},
        nothing);
    if (!store) return std::unexpected(store.error());
    made->store_ = std::move(*store);
    return made;
}

Result<void> NewDirectory::put(wire::StateImages images) {
    pending_.add(std::move(images));
    return pending_.bytes() < kBatchBytes ? Result<void>() : commit();
}

Result<void> NewDirectory::commit() {
    if (pending_.empty()) return {};
    auto written = pending_.split();
    return store_->commit(written.batch());
}

Result<void> NewDirectory::finish(Zxid zxid, const BroughtAlong& brought) {
    if (auto written = commit(); !written) return written;
    store_.reset();
    const auto log_directory = directory_->log_directory(0);
    auto log = Log::create({.directory = log_directory, .identity = directory_->identity(0)}, zxid);
    if (!log) return std::unexpected(log.error());
    log->reset();
    if (auto synced = real_file_system().sync_directory(log_directory); !synced) return synced;
    const auto hard_state = HardStateFile::open(real_file_system(), directory_->hard_state_path(), std::nullopt);
    if (!hard_state) return std::unexpected(hard_state.error());
    auto state = (*hard_state)->current();
    state.accepted_epoch = brought.accepted_epoch;
    state.current_epoch = brought.current_epoch;
    state.provisional = brought.provisional;
    state.has_history = true;
    if (auto saved = (*hard_state)->save(state); !saved) return saved;

    const auto unfinished = root_ / kUnfinished;
    if (auto moved = real_file_system().rename(unfinished / "zabd", root_ / "zabd"); !moved) return moved;
    std::error_code error;
    fs::remove(unfinished, error);
    return real_file_system().sync_directory(root_);
}

}  // namespace zabd::storage
