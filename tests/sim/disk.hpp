// A disk in memory that keeps what a real one must keep over a power cut, and of the rest what it likes.
//
// Contract  what was written survives once its file was synced, a name once its directory was. Of the rest each sector
//           of 512 bytes and each change of a name survives or not, in any combination: unsynced() lists them, crash()
//           is told which stay. A sector is never torn within itself.
// Power     cut_after(n): n more changing calls are carried out, the one after is under way when the power goes, and
//           nothing works from then on until restart().
// Failures  `before_call` may have any call fail. A failed sync leaves each sector on the disk or not, and clean in
//           memory either way: a later sync does not write it again (which is what Linux does). A failed write is half
//           done.
// Space     `capacity` bytes for the files and `reserved`, what else is on it.
// Threads   one.
#pragma once

#include "storage/file.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {

enum class DiskCall : std::uint8_t {
    kOpen,
    kRead,
    kList,
    kCreate,  // from here on: calls that change something
    kAllocate,
    kWrite,
    kSync,
    kRename,
    kRemove,
    kSyncDirectory,
    kCommit,  // of the checkpoint's twin
};

[[nodiscard]] std::string_view name_of(DiskCall call);
[[nodiscard]] constexpr bool changes(DiskCall call) { return call >= DiskCall::kCreate; }

class Disk final : public storage::FileSystem {
public:
    using Path = std::filesystem::path;
    static constexpr std::uint64_t kSectorBytes = 512;

    Disk() = default;
    /// Files with all their unsynced changes; the hooks are not copied.
    [[nodiscard]] Disk clone() const;

    // --- storage::FileSystem ---
    Result<std::unique_ptr<storage::File>> open(const Path& path) override;
    Result<std::unique_ptr<storage::File>> create(const Path& path, bool secret) override;
    Result<void> rename(const Path& from, const Path& to) override;
    Result<void> remove(const Path& path) override;
    Result<void> sync_directory(const Path& directory) override;
    Result<std::vector<std::string>> list(const Path& directory) override;

    // --- failures ---
    /// Asked before every call: an error to fail with.
    std::function<std::optional<Errc>(DiskCall, const Path&)> before_call;
    /// What a failing call leaves behind, by halves. Not set: nothing.
    std::function<bool()> coin;
    std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t reserved = 0;

    /// Changing calls so far.
    [[nodiscard]] std::uint64_t calls() const { return calls_; }
    void cut_after(std::uint64_t calls) { calls_left_ = calls; }
    void do_not_cut() { calls_left_.reset(); }
    [[nodiscard]] bool cut() const { return cut_; }
    [[nodiscard]] std::uint64_t used_bytes() const;

    /// For what is on the disk besides files: one call, as those of files are.
    Result<void> call(DiskCall call, const Path& path);

    // --- power ---
    struct Unsynced {
        std::uint64_t order = 0;                // of writing
        std::optional<std::uint64_t> sector{};  // of the inode; nullopt: a change of a name
        std::uint64_t number = 0;               // of the inode, or of the change
    };
    /// What a power cut may lose, in the order in which it was written. Sectors that hold what they held are left out.
    [[nodiscard]] std::vector<Unsynced> unsynced() const;
    /// The power is gone: of unsynced(), those with `kept` set survive. Restarts the disk too.
    void crash(const std::vector<bool>& kept);
    /// Calls work again. Nothing is lost: the machine stayed up.
    void restart();

    // --- for a test to look at, and to damage as time does ---
    [[nodiscard]] std::vector<Path> paths() const;
    [[nodiscard]] std::string content(const Path& path) const { return files_.at(path)->now; }
    /// As if it had been written and synced.
    void put(const Path& path, std::string content);
    /// As if it had been removed, and its directory synced.
    void take_away(const Path& path);
    /// Another disk is in its place, without power cuts to come; the hooks stay.
    void become(const Disk& other);

private:
    struct Inode {
        std::uint64_t number = 0;
        std::string now;
        std::string durable;
        std::map<std::uint64_t, std::uint64_t> dirty;  // sectors, and when they were written

        void write(std::uint64_t offset, std::string_view bytes, std::uint64_t order);
        void keep(std::uint64_t sector);
        [[nodiscard]] bool differs(std::uint64_t sector) const;
        void sync();
        void fail_sync(const std::function<bool()>& survives);
        void drop_cache();
    };
    using InodePtr = std::shared_ptr<Inode>;
    using Files = std::map<Path, InodePtr>;

    /// A change of names that no directory sync has covered.
    struct NameChange {
        std::uint64_t order = 0;
        Path from;       // gone afterwards; empty: nothing
        Path to;         // there afterwards; empty: nothing
        InodePtr inode;  // what is there
    };
    class Handle;

    /// What to do about a call: do it, or leave it half done and fail.
    struct Verdict {
        std::optional<Error> error;
        bool in_flight = false;  // the power goes while it is carried out
    };
    Verdict judge(DiskCall call, const Path& path);
    Result<void> change_names(DiskCall call, NameChange change);
    [[nodiscard]] std::map<std::uint64_t, InodePtr> inodes() const;
    [[nodiscard]] bool fits(std::uint64_t more_bytes) const;

    Files files_;
    Files durable_;
    std::vector<NameChange> name_changes_;
    std::uint64_t inode_last_ = 0;
    std::uint64_t order_last_ = 0;
    std::uint64_t calls_ = 0;
    std::optional<std::uint64_t> calls_left_;
    bool cut_ = false;
};

}  // namespace zabd::sim
