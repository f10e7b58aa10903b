// The LMDB environment of the checkpoint: one file and its map.
//
// Contract  the map never reaches beyond what the disk has given to the file, and that is durable: so a commit allocates
//           nothing, and a full disk shows while extending, when nothing has been written yet. A file appears whole
//           under its name or not at all. What was committed is durable once make_durable() has returned, and after a
//           crash before that it is not there (lmdb_head.hpp).
// Owner     one object for a directory in a process, and that process's alone: another one is refused (Errc::kInUse), use
//           after a fork stops the process.
// Threads   one at a time.
// Errors    Errc::kDamaged with the file and what a restore needs; Errc::kNoSpace; Errc::kIo.
#pragma once

#include "storage/checkpoint_format.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace zabd::storage {

struct LmdbAborter {
    void operator()(MDB_txn* transaction) const;
};
/// Aborts what was not committed.
using LmdbTransaction = std::unique_ptr<MDB_txn, LmdbAborter>;

struct LmdbCloser {
    void operator()(MDB_cursor* cursor) const;
};
using LmdbCursor = std::unique_ptr<MDB_cursor, LmdbCloser>;

/// Pages of a database, or of the whole file.
struct LmdbSpace {
    std::uint64_t page_bytes = 0;
    std::uint64_t pages_mapped = 0;
    std::uint64_t pages_unused = 0;  // never used yet, or free for the next transaction
};

class LmdbEnvironment {
public:
    /// What is missing is made, with `bytes_min` of space.
    static Result<std::unique_ptr<LmdbEnvironment>> open(const std::filesystem::path& directory,
                                                         std::uint64_t bytes_min);
    /// A second map of the file that `environment` has open, for reading on any one thread while that one goes on. It keeps
    /// no pages from being used again: as long as it is read, a read transaction of `environment` must be open.
    static Result<std::unique_ptr<LmdbEnvironment>> open_view(const LmdbEnvironment& environment);
    ~LmdbEnvironment();
    LmdbEnvironment(const LmdbEnvironment&) = delete;
    LmdbEnvironment& operator=(const LmdbEnvironment&) = delete;

    enum class Access { kRead, kWrite };
    Result<LmdbTransaction> begin(Access access);
    /// LMDB's code; the transaction is over whatever it says.
    static int commit(LmdbTransaction transaction);
    /// Slowly, if `between_slices` takes its time: the disk is others' too.
    Result<void> make_durable(const std::function<void()>& between_slices);
    Result<LmdbCursor> cursor(MDB_txn* transaction, Database database) const;

    /// File and map are at least `bytes` long. While no transaction is open. Errc::kNoSpace: nothing has changed.
    Result<void> extend(std::uint64_t bytes);
    [[nodiscard]] Result<LmdbSpace> space(MDB_txn* transaction) const;
    [[nodiscard]] Result<std::uint64_t> entries(MDB_txn* transaction, Database database) const;
    [[nodiscard]] Result<std::uint64_t> pages(MDB_txn* transaction, Database database) const;

    /// Pages of the map that were touched count as memory of the process until they are given back.
    void release_pages() const;
    /// LMDB keeps the memory of every page that a transaction has changed; closing gives it back. While no transaction
    /// is open.
    Result<void> reopen();

    /// Readers that died are forgotten. What is the oldest snapshot that another one holds, counted in transactions
    /// behind the newest? Pages freed since then cannot be used again.
    Result<std::optional<std::uint64_t>> oldest_reader_lag();

    [[nodiscard]] std::string_view map() const { return map_; }
    [[nodiscard]] std::uint64_t file_bytes() const;
    [[nodiscard]] unsigned handle(Database database) const { return handles_[static_cast<std::size_t>(database)]; }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

    [[nodiscard]] Error error_of(int code, std::string_view call) const;
    Result<void> checked(int code, std::string_view call) const;

private:
    explicit LmdbEnvironment(std::filesystem::path directory) : directory_(std::move(directory)) {}

    Result<void> claim();
    Result<void> make_file() const;
    Result<void> open_file();
    Result<void> open_handles();
    Result<void> allocate(std::uint64_t bytes) const;
    [[nodiscard]] std::unexpected<Error> sync_failed() const;
    void find_map();
    [[nodiscard]] const void* any_byte() const;
    void close();
    [[nodiscard]] std::filesystem::path file() const { return directory_ / "data.mdb"; }

    std::filesystem::path directory_;
    pid_t owner_ = 0;
    bool claimed_ = false;
    MDB_env* env_ = nullptr;
    std::array<unsigned, kDatabaseNames.size()> handles_{};
    std::string_view map_;
};

/// The error for a checkpoint that fails its checks, with what can be done about it.
Error checkpoint_damage(const std::filesystem::path& directory, std::string_view what);

}  // namespace zabd::storage
