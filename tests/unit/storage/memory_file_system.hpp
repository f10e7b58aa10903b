// A disk in memory that keeps its promises to the letter and no further: after crash() there is what was synced, and of
// the rest, block by block, what chance left. Files may be used from several threads, as a log's are.
#pragma once

#include "storage/file.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

class MemoryFileSystem final : public FileSystem {
public:
    using Path = std::filesystem::path;
    static constexpr std::uint64_t kSectorBytes = 512;

    /// Calls that change something, so far; the one with number `fails_at`, and all after it, fail.
    std::uint64_t calls = 0;
    std::uint64_t fails_at = std::numeric_limits<std::uint64_t>::max();

    bool reads_fail = false;
    /// What allocate() may ask for at most.
    std::uint64_t free_bytes = std::numeric_limits<std::uint64_t>::max();

    Result<std::unique_ptr<File>> open(const Path& path) override {
        const std::lock_guard lock(mutex_);
        const auto entry = now_.find(path);
        if (entry == now_.end()) return failure(Errc::kIo, path.string() + ": no such file");
        return std::make_unique<Handle>(*this, entry->second);
    }

    Result<std::unique_ptr<File>> create(const Path& path, bool) override {
        const std::lock_guard lock(mutex_);
        if (auto changed = change(); !changed) return std::unexpected(changed.error());
        enter([path, inode = std::make_shared<Inode>()](Entries& entries) { entries[path] = inode; });
        return open(path);
    }

    Result<void> rename(const Path& from, const Path& to) override {
        const std::lock_guard lock(mutex_);
        if (auto changed = change(); !changed) return changed;
        if (!now_.contains(from)) return failure(Errc::kIo, from.string() + ": no such file");
        enter([from, to](Entries& entries) {
            entries[to] = entries.at(from);
            entries.erase(from);
        });
        return {};
    }

    Result<void> remove(const Path& path) override {
        const std::lock_guard lock(mutex_);
        if (auto changed = change(); !changed) return changed;
        enter([path](Entries& entries) { entries.erase(path); });
        return {};
    }

    Result<void> sync_directory(const Path&) override {
        const std::lock_guard lock(mutex_);
        if (auto changed = change(); !changed) return changed;
        durable_ = now_;
        unsynced_.clear();
        return {};
    }

    Result<std::vector<std::string>> list(const Path& directory) override {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> names;
        for (const auto& [path, inode] : now_) {
            if (path.parent_path() == directory) names.push_back(path.filename().string());
        }
        return names;
    }

    /// The power goes: of the changed names some first ones are kept, of the changed sectors any.
    void crash(std::mt19937& random) {
        const auto kept = random() % (unsynced_.size() + 1);
        for (std::size_t n = 0; n < kept; ++n) unsynced_[n](durable_);
        now_ = durable_;
        unsynced_.clear();
        for (auto& [path, inode] : now_) inode->crash(random);
        fails_at = std::numeric_limits<std::uint64_t>::max();
    }

    /// For a test to look at and to damage; as if it had been synced so.
    std::string content(const Path& path) { return now_.at(path)->now; }
    void put(const Path& path, const std::string& content) {
        now_[path] = std::make_shared<Inode>(Inode{content, content, {}});
        durable_ = now_;
    }
    std::vector<Path> paths() const {
        std::vector<Path> paths;
        for (const auto& [path, inode] : now_) paths.push_back(path);
        return paths;
    }

private:
    struct Inode {
        std::string now;
        std::string durable;
        std::set<std::uint64_t> changed_sectors;

        void write(std::uint64_t offset, std::string_view bytes) {
            if (now.size() < offset + bytes.size()) now.resize(offset + bytes.size());
            now.replace(offset, bytes.size(), bytes);
            for (auto at = offset / kSectorBytes; at * kSectorBytes < offset + bytes.size(); ++at)
                changed_sectors.insert(at);
        }

        void sync() {
            durable = now;
            changed_sectors.clear();
        }

        void crash(std::mt19937& random) {
            for (const auto sector : changed_sectors) {
                if (random() % 2 == 0) continue;
                const auto bytes = now.substr(sector * kSectorBytes, kSectorBytes);
                if (durable.size() < sector * kSectorBytes + bytes.size())
                    durable.resize(sector * kSectorBytes + bytes.size());
                durable.replace(sector * kSectorBytes, bytes.size(), bytes);
            }
            now = durable;
            changed_sectors.clear();
        }
    };
    using Entries = std::map<Path, std::shared_ptr<Inode>>;

    class Handle final : public File {
    public:
        Handle(MemoryFileSystem& files, std::shared_ptr<Inode> inode) : files_(files), inode_(std::move(inode)) {}

        Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
            const std::lock_guard lock(files_.mutex_);
            if (files_.reads_fail) return failure(Errc::kIo, "the disk cannot read");
            if (offset >= inode_->now.size()) return 0;
            return inode_->now.copy(into.data(), into.size(), offset);
        }
        Result<void> write_at(std::uint64_t offset, std::string_view content) override {
            const std::lock_guard lock(files_.mutex_);
            auto changed = files_.change();
            if (files_.calls <= files_.fails_at) inode_->write(offset, content);  // the failing one may have begun
            return changed;
        }
        Result<void> allocate(std::uint64_t bytes) override {
            const std::lock_guard lock(files_.mutex_);
            if (bytes > files_.free_bytes) return failure(Errc::kNoSpace, "the disk is full");
            return files_.change();
        }
        Result<void> sync_data() override { return sync_all(); }
        Result<void> sync_all() override {
            const std::lock_guard lock(files_.mutex_);
            if (auto changed = files_.change(); !changed) return changed;
            inode_->sync();
            return {};
        }
        Result<std::uint64_t> size() override {
            const std::lock_guard lock(files_.mutex_);
            return inode_->now.size();
        }
        void drop_cache() override {}

    private:
        MemoryFileSystem& files_;
        std::shared_ptr<Inode> inode_;
    };

    Result<void> change() {
        if (++calls >= fails_at) return failure(Errc::kIo, "the disk failed");
        return {};
    }

    void enter(std::function<void(Entries&)> step) {
        step(now_);
        unsynced_.push_back(std::move(step));
    }

    std::recursive_mutex mutex_;  // for all of it; create() opens what it made
    Entries now_;
    Entries durable_;
    std::vector<std::function<void(Entries&)>> unsynced_;  // steps from durable_ to now_
};

}  // namespace zabd::storage
