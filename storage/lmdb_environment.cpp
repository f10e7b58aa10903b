#include "storage/lmdb_environment.hpp"

#include "storage/file.hpp"
#include "storage/lmdb_head.hpp"
#include "wire/assert.hpp"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr unsigned kReadersMax = 64;
constexpr mode_t kMode = 0640;
constexpr std::uint64_t kSyncSlice = 512 << 10;
constexpr MDB_dbi kNames = 1;      // LMDB's own database: names of the others
constexpr MDB_dbi kFreePages = 0;  // LMDB's own database: transaction that freed them -> count, then page numbers

/// LMDB keeps its locks by process: opened twice, the first close would drop those of the other.
class OpenDirectories {
public:
    bool add(const struct stat& directory) {
        const std::lock_guard lock(mutex_);
        return open_.emplace(directory.st_dev, directory.st_ino).second;
    }
    void remove(const struct stat& directory) {
        const std::lock_guard lock(mutex_);
        open_.erase({directory.st_dev, directory.st_ino});
    }

private:
    std::mutex mutex_;
    std::set<std::pair<dev_t, ino_t>> open_;
};

OpenDirectories& open_directories() {
    static OpenDirectories directories;
    return directories;
}

struct stat status_of(const fs::path& path) {
    struct stat status {};
    (void)::stat(path.c_str(), &status);
    return status;
}

int descriptor_of(MDB_env* env) {
    mdb_filehandle_t descriptor = -1;
    (void)mdb_env_get_fd(env, &descriptor);
    return descriptor;
}

MDB_envinfo info_of(MDB_env* env) {
    MDB_envinfo info{};
    (void)mdb_env_info(env, &info);
    return info;
}

std::uint64_t page_bytes_of(MDB_env* env) {
    MDB_stat stat{};
    (void)mdb_env_stat(env, &stat);
    return stat.ms_psize;
}

/// LMDB calls this where it finds its own structures broken, and aborts afterwards.
void on_assertion(MDB_env*, const char* what) { fatal("checkpoint: LMDB: " + std::string(what)); }

int make_databases(MDB_env* env) {
    MDB_txn* transaction = nullptr;
    if (const int code = mdb_txn_begin(env, nullptr, 0, &transaction); code != MDB_SUCCESS) return code;
    LmdbTransaction guard(transaction);
    for (const auto* name : kDatabaseNames) {
        MDB_dbi handle = 0;
        if (const int code = mdb_dbi_open(transaction, name, MDB_CREATE, &handle); code != MDB_SUCCESS) return code;
    }
    return mdb_txn_commit(guard.release());
}

}  // namespace

void LmdbAborter::operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
void LmdbCloser::operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }

// --- open and close --------------------------------------------------------------------------------------------------

Result<std::unique_ptr<LmdbEnvironment>> LmdbEnvironment::open(const fs::path& directory, std::uint64_t bytes_min) {
    std::unique_ptr<LmdbEnvironment> environment(new LmdbEnvironment(directory));
    if (auto claimed = environment->claim(); !claimed) return std::unexpected(claimed.error());
    if (!fs::exists(environment->file())) {
        if (auto made = environment->make_file(); !made) return std::unexpected(made.error());
    }
    // While a reader of an earlier life has it, LMDB would go on with the last transaction that it knows from there.
    std::error_code ignored;
    fs::remove(directory / "lock.mdb", ignored);
    if (auto restored = restore_head(environment->file()); !restored) return std::unexpected(restored.error());
    if (auto opened = environment->open_file(); !opened) return std::unexpected(opened.error());
    // All of it, not only what is missing: a file may have been copied without its blocks.
    const auto bytes = std::max<std::uint64_t>(bytes_min, info_of(environment->env_).me_mapsize);
    if (auto extended = environment->extend(bytes); !extended) return std::unexpected(extended.error());
    return environment;
}

Result<std::unique_ptr<LmdbEnvironment>> LmdbEnvironment::open_view(const LmdbEnvironment& environment) {
    std::unique_ptr<LmdbEnvironment> view(new LmdbEnvironment(environment.directory_));
    view->owner_ = ::getpid();
    if (auto made = view->checked(mdb_env_create(&view->env_), "create an environment"); !made)
        return std::unexpected(made.error());
    (void)mdb_env_set_maxdbs(view->env_, kDatabaseNames.size());
    (void)mdb_env_set_assert(view->env_, on_assertion);
    (void)mdb_env_set_mapsize(view->env_, info_of(environment.env_).me_mapsize);
    // Without locks: those of the first opening would be dropped when this one is closed.
    constexpr unsigned kFlags = MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS;
    if (auto opened = view->checked(mdb_env_open(view->env_, view->directory_.c_str(), kFlags, kMode), "open"); !opened)
        return std::unexpected(opened.error());
    (void)::fcntl(descriptor_of(view->env_), F_SETFD, FD_CLOEXEC);
    view->find_map();
    if (auto opened = view->open_handles(); !opened) return std::unexpected(opened.error());
    return view;
}

LmdbEnvironment::~LmdbEnvironment() {
    close();
    if (claimed_ && owner_ == ::getpid()) open_directories().remove(status_of(directory_));
}

void LmdbEnvironment::close() {
    // In a forked process nothing of it may be touched: its locks are the parent's.
    if (env_ != nullptr && owner_ == ::getpid()) mdb_env_close(env_);
    env_ = nullptr;
    map_ = {};
}

Result<void> LmdbEnvironment::claim() {
    if (!open_directories().add(status_of(directory_)))
        return failure(Errc::kInUse, directory_.string() + ": this process has it open already");
    owner_ = ::getpid();
    claimed_ = true;
    return {};
}

/// A file that a crash left half made would be taken for a damaged one.
Result<void> LmdbEnvironment::make_file() const {
    const auto unfinished = directory_ / "data.mdb.tmp";
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    MDB_env* env = nullptr;
    if (auto made = checked(mdb_env_create(&env), "create an environment"); !made) return made;
    (void)mdb_env_set_maxdbs(env, kDatabaseNames.size());
    int code = mdb_env_open(env, unfinished.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, kMode);
    if (code == MDB_SUCCESS) code = make_databases(env);
    mdb_env_close(env);
    if (auto made = checked(code, "make"); !made) return made;
    if (auto saved = save_head(unfinished, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))); !saved) return saved;
    if (auto renamed = real_file_system().rename(unfinished, file()); !renamed) return renamed;
    return real_file_system().sync_directory(directory_);
}

Result<void> LmdbEnvironment::open_file() {
    if (auto made = checked(mdb_env_create(&env_), "create an environment"); !made) return made;
    (void)mdb_env_set_maxdbs(env_, kDatabaseNames.size());
    (void)mdb_env_set_maxreaders(env_, kReadersMax);
    (void)mdb_env_set_assert(env_, on_assertion);
    const auto system_page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto bytes = (fs::file_size(file()) + system_page - 1) / system_page * system_page;
    if (auto sized = checked(mdb_env_set_mapsize(env_, bytes), "set the map's size"); !sized) return sized;
    if (auto opened = checked(mdb_env_open(env_, directory_.c_str(), MDB_NOTLS | MDB_NOSYNC, kMode), "open"); !opened)
        return opened;
    (void)::fcntl(descriptor_of(env_), F_SETFD, FD_CLOEXEC);  // LMDB forgets one of its descriptors
    const auto bytes_used = (info_of(env_).me_last_pgno + 1) * page_bytes_of(env_);
    if (file_bytes() < bytes_used) {
        return std::unexpected(checkpoint_damage(directory_, "it ends at byte " + std::to_string(file_bytes()) +
                                                                 ", not at byte " + std::to_string(bytes_used)));
    }
    find_map();
    int dead = 0;
    (void)mdb_reader_check(env_, &dead);
    return open_handles();
}

Result<void> LmdbEnvironment::open_handles() {
    auto transaction = begin(Access::kRead);
    if (!transaction) return std::unexpected(transaction.error());
    for (std::size_t n = 0; n < handles_.size(); ++n) {
        const int code = mdb_dbi_open(transaction->get(), kDatabaseNames[n], 0, &handles_[n]);
        if (auto opened = checked(code, kDatabaseNames[n]); !opened) return opened;
    }
    return checked(commit(std::move(*transaction)), "open the databases");
}

Result<void> LmdbEnvironment::reopen() {
    close();
    return open_file();
}

// --- transactions ----------------------------------------------------------------------------------------------------

Result<LmdbTransaction> LmdbEnvironment::begin(Access access) {
    if (owner_ != ::getpid()) fatal("checkpoint: used after a fork");
    MDB_txn* transaction = nullptr;
    const int code = mdb_txn_begin(env_, nullptr, access == Access::kRead ? MDB_RDONLY : 0, &transaction);
    if (auto begun = checked(code, "begin"); !begun) return std::unexpected(begun.error());
    return LmdbTransaction(transaction);
}

int LmdbEnvironment::commit(LmdbTransaction transaction) { return mdb_txn_commit(transaction.release()); }

Result<void> LmdbEnvironment::make_durable(const std::function<void()>& between_slices) {
    const int descriptor = descriptor_of(env_);
    // So that the one sync at the end has little left to wait for.
    for (std::uint64_t at = 0; at < file_bytes(); at += kSyncSlice) {
        constexpr unsigned kWritten = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
        if (::sync_file_range(descriptor, static_cast<off64_t>(at), kSyncSlice, kWritten) != 0) return sync_failed();
        between_slices();
    }
    if (::fdatasync(descriptor) != 0) return sync_failed();
    return save_head(file(), page_bytes_of(env_));
}

Result<LmdbCursor> LmdbEnvironment::cursor(MDB_txn* transaction, Database database) const {
    MDB_cursor* cursor = nullptr;
    if (auto opened = checked(mdb_cursor_open(transaction, handle(database), &cursor), "open a cursor"); !opened)
        return std::unexpected(opened.error());
    return LmdbCursor(cursor);
}

// --- space -----------------------------------------------------------------------------------------------------------

Result<void> LmdbEnvironment::extend(std::uint64_t bytes) {
    if (auto allocated = allocate(bytes); !allocated) return allocated;
    if (info_of(env_).me_mapsize >= bytes) return {};
    if (auto sized = checked(mdb_env_set_mapsize(env_, bytes), "extend the map"); !sized) return sized;
    find_map();
    return {};
}

Result<void> LmdbEnvironment::allocate(std::uint64_t bytes) const {
    const int descriptor = descriptor_of(env_);
    const auto before = file_bytes();
    if (const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)); error != 0) {
        // What it got before it failed is missed elsewhere.
        if (::ftruncate(descriptor, static_cast<off_t>(before)) != 0)
            return std::unexpected(system_error(errno, file(), "shorten"));
        return std::unexpected(system_error(error, file(), "extend to " + std::to_string(bytes) + " bytes"));
    }
    if (::fsync(descriptor) != 0) return sync_failed();
    return {};
}

std::uint64_t LmdbEnvironment::file_bytes() const {
    struct stat status {};
    if (env_ != nullptr) (void)::fstat(descriptor_of(env_), &status);
    return static_cast<std::uint64_t>(status.st_size);
}

Result<LmdbSpace> LmdbEnvironment::space(MDB_txn* transaction) const {
    const auto info = info_of(env_);
    LmdbSpace space{.page_bytes = page_bytes_of(env_)};
    space.pages_mapped = info.me_mapsize / space.page_bytes;
    space.pages_unused = space.pages_mapped - std::min<std::uint64_t>(space.pages_mapped, info.me_last_pgno + 1);

    MDB_cursor* opened = nullptr;
    if (auto ok = checked(mdb_cursor_open(transaction, kFreePages, &opened), "read"); !ok)
        return std::unexpected(ok.error());
    const LmdbCursor cursor(opened);
    MDB_val key{};
    MDB_val value{};
    int code = MDB_SUCCESS;
    while ((code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        std::size_t freed_by = 0;
        std::size_t count = 0;
        std::memcpy(&freed_by, key.mv_data, sizeof freed_by);
        std::memcpy(&count, value.mv_data, sizeof count);
        // The pages of the state before the newest stay as they are, in case the newest never reaches the disk.
        if (freed_by < info.me_last_txnid) space.pages_unused += count;
    }
    if (code != MDB_NOTFOUND) return std::unexpected(error_of(code, "read"));
    return space;
}

Result<std::uint64_t> LmdbEnvironment::entries(MDB_txn* transaction, Database database) const {
    MDB_stat stat{};
    if (auto got = checked(mdb_stat(transaction, handle(database), &stat), "read"); !got)
        return std::unexpected(got.error());
    return stat.ms_entries;
}

Result<std::uint64_t> LmdbEnvironment::pages(MDB_txn* transaction, Database database) const {
    MDB_stat stat{};
    if (auto got = checked(mdb_stat(transaction, handle(database), &stat), "read"); !got)
        return std::unexpected(got.error());
    return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

/// In the map; nullptr: the file does not read.
const void* LmdbEnvironment::any_byte() const {
    MDB_txn* begun = nullptr;
    if (mdb_txn_begin(env_, nullptr, MDB_RDONLY, &begun) != MDB_SUCCESS) return nullptr;
    const LmdbTransaction transaction(begun);
    MDB_cursor* opened = nullptr;
    if (mdb_cursor_open(begun, kNames, &opened) != MDB_SUCCESS) return nullptr;
    const LmdbCursor cursor(opened);
    MDB_val key{};
    MDB_val value{};
    return mdb_cursor_get(opened, &key, &value, MDB_FIRST) == MDB_SUCCESS ? key.mv_data : nullptr;
}

void LmdbEnvironment::find_map() {
    // LMDB does not tell where it mapped the file, and the file may be mapped more than once.
    map_ = {};
    const auto* inside = static_cast<const char*>(any_byte());
    std::ifstream lines("/proc/self/maps");
    for (std::string line; inside != nullptr && std::getline(lines, line);) {
        void* begin = nullptr;
        void* end = nullptr;
        if (std::sscanf(line.c_str(), "%p-%p", &begin, &end) != 2) continue;
        const auto* first = static_cast<const char*>(begin);
        const auto* last = static_cast<const char*>(end);
        if (std::less<>()(inside, first) || !std::less<>()(inside, last)) continue;
        map_ = {first, static_cast<std::size_t>(last - first)};
        return;
    }
}

void LmdbEnvironment::release_pages() const {
    (void)::madvise(const_cast<char*>(map_.data()), map_.size(), MADV_DONTNEED);
}

Result<std::optional<std::uint64_t>> LmdbEnvironment::oldest_reader_lag() {
    int dead = 0;
    if (auto looked = checked(mdb_reader_check(env_, &dead), "look at the readers"); !looked)
        return std::unexpected(looked.error());
    std::optional<std::size_t> oldest;
    const auto on_line = [](const char* line, void* into) {
        // A header, then "pid thread transaction", with "-" for a reader that holds nothing.
        std::size_t transaction = 0;
        auto& lowest = *static_cast<std::optional<std::size_t>*>(into);
        if (std::sscanf(line, "%*d %*x %zu", &transaction) == 1)
            lowest = std::min(lowest.value_or(transaction), transaction);
        return 0;
    };
    (void)mdb_reader_list(env_, on_line, &oldest);
    if (!oldest) return std::nullopt;
    const auto newest = info_of(env_).me_last_txnid;
    return newest - std::min<std::size_t>(newest, *oldest);
}

// --- errors ----------------------------------------------------------------------------------------------------------

/// A full disk too: what it has after a failed sync nobody knows.
std::unexpected<Error> LmdbEnvironment::sync_failed() const {
    return failure(Errc::kIo, file().string() + ": cannot sync: " + std::generic_category().message(errno));
}

Error LmdbEnvironment::error_of(int code, std::string_view call) const {
    switch (code) {
        case MDB_INVALID:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_NOTFOUND:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
        case MDB_BAD_VALSIZE:
        case MDB_PANIC: return checkpoint_damage(directory_, std::string(call) + ": " + mdb_strerror(code));
        default:
            if (code > 0) return system_error(code, file(), call);
            return {Errc::kIo, file().string() + ": cannot " + std::string(call) + ": " + mdb_strerror(code)};
    }
}

Result<void> LmdbEnvironment::checked(int code, std::string_view call) const {
    if (code == MDB_SUCCESS) return {};
    return std::unexpected(error_of(code, call));
}

Error checkpoint_damage(const fs::path& directory, std::string_view what) {
    return {Errc::kDamaged, (directory / "data.mdb").string() + ": the checkpoint is damaged: " + std::string(what) +
                                ". Nothing was changed. Keep the file, and restore zabd/ from a backup"};
}

}  // namespace zabd::storage
