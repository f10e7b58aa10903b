#include "tests/sim/disk.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace zabd::sim {

using storage::File;

namespace {

std::unexpected<Error> no_such_file(const Disk::Path& path) {
    return failure(Errc::kIo, path.string() + ": no such file");
}

Error error_of(Errc code, const Disk::Path& path) {
    return {code, path.string() + (code == Errc::kNoSpace ? ": no space left on the disk" : ": the disk failed")};
}

}  // namespace

std::string_view name_of(DiskCall call) {
    constexpr std::string_view kNames[] = {"open", "read",   "list",   "create",         "allocate", "write",
                                           "sync", "rename", "remove", "sync directory", "commit"};
    return kNames[static_cast<std::size_t>(call)];
}

// --- one file --------------------------------------------------------------------------------------------------------

void Disk::Inode::write(std::uint64_t offset, std::string_view bytes, std::uint64_t order) {
    const auto begin = std::min<std::uint64_t>(offset, now.size());  // a gap is filled with zeros
    const auto end = offset + bytes.size();
    if (now.size() < end) now.resize(end);
    now.replace(offset, bytes.size(), bytes);
    for (auto sector = begin / kSectorBytes; sector * kSectorBytes < end; ++sector)
        dirty.insert_or_assign(sector, order);
}

void Disk::Inode::keep(std::uint64_t sector) {
    const auto begin = sector * kSectorBytes;
    const auto bytes = std::string_view(now).substr(begin, kSectorBytes);
    if (durable.size() < begin + bytes.size()) durable.resize(begin + bytes.size());
    durable.replace(begin, bytes.size(), bytes);
}

bool Disk::Inode::differs(std::uint64_t sector) const {
    const auto begin = sector * kSectorBytes;
    const auto bytes = std::string_view(now).substr(begin, kSectorBytes);
    return durable.size() < begin + bytes.size() || std::string_view(durable).substr(begin, bytes.size()) != bytes;
}

void Disk::Inode::sync() {
    for (const auto& [sector, order] : dirty) keep(sector);
    dirty.clear();
}

void Disk::Inode::fail_sync(const std::function<bool()>& survives) {
    for (const auto& [sector, order] : dirty)
        if (survives && survives()) keep(sector);
    dirty.clear();
}

void Disk::Inode::drop_cache() {
    auto read = durable;
    read.resize(now.size());  // the size is metadata, which memory and disk agree on
    std::swap(read, now);
    for (const auto& [sector, order] : dirty) {
        const auto bytes = std::string_view(read).substr(sector * kSectorBytes, kSectorBytes);
        now.replace(sector * kSectorBytes, bytes.size(), bytes);
    }
}

class Disk::Handle final : public File {
public:
    Handle(Disk& disk, InodePtr inode, Path path) : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
        if (auto verdict = disk_.judge(DiskCall::kRead, path_); verdict.error)
            return std::unexpected(std::move(*verdict.error));
        if (offset >= inode_->now.size()) return 0;
        return inode_->now.copy(into.data(), into.size(), offset);
    }

    Result<void> write_at(std::uint64_t offset, std::string_view content) override {
        auto verdict = disk_.judge(DiskCall::kWrite, path_);
        const auto end = offset + content.size();
        if (!verdict.error && end > inode_->now.size() && !disk_.fits(end - inode_->now.size()))
            verdict.error = error_of(Errc::kNoSpace, path_);
        if (!verdict.error || verdict.in_flight) {
            inode_->write(offset, content, ++disk_.order_last_);
        } else if (!disk_.cut_ && disk_.coin && disk_.coin()) {
            inode_->write(offset, content.substr(0, content.size() / 2), ++disk_.order_last_);
        }
        if (verdict.error) return std::unexpected(std::move(*verdict.error));
        return {};
    }

    Result<void> allocate(std::uint64_t bytes) override {
        auto verdict = disk_.judge(DiskCall::kAllocate, path_);
        const auto size = inode_->now.size();
        if (!verdict.error && bytes > size && !disk_.fits(bytes - size))
            verdict.error = error_of(Errc::kNoSpace, path_);
        if (verdict.error) return std::unexpected(std::move(*verdict.error));
        if (bytes > size) inode_->write(size, std::string(bytes - size, '\0'), ++disk_.order_last_);
        return {};
    }

    Result<void> sync_data() override { return sync_all(); }

    Result<void> sync_all() override {
        auto verdict = disk_.judge(DiskCall::kSync, path_);
        if (!verdict.error) return inode_->sync(), Result<void>();
        if (!disk_.cut_) inode_->fail_sync(disk_.coin);
        return std::unexpected(std::move(*verdict.error));
    }

    Result<std::uint64_t> size() override { return inode_->now.size(); }
    void drop_cache() override { inode_->drop_cache(); }

private:
    Disk& disk_;
    InodePtr inode_;
    Path path_;
};

// --- calls -----------------------------------------------------------------------------------------------------------

Disk::Verdict Disk::judge(DiskCall call, const Path& path) {
    if (cut_) return {error_of(Errc::kIo, path)};
    if (changes(call)) {
        ++calls_;
        if (calls_left_ && (*calls_left_)-- == 0) {
            cut_ = true;
            calls_left_.reset();
            return {error_of(Errc::kIo, path), true};
        }
    }
    if (before_call)
        if (const auto code = before_call(call, path)) return {error_of(*code, path)};
    return {};
}

Result<void> Disk::call(DiskCall call, const Path& path) {
    if (auto verdict = judge(call, path); verdict.error) return std::unexpected(std::move(*verdict.error));
    return {};
}

Result<std::unique_ptr<File>> Disk::open(const Path& path) {
    if (auto opened = call(DiskCall::kOpen, path); !opened) return std::unexpected(opened.error());
    const auto found = files_.find(path);
    if (found == files_.end()) return no_such_file(path);
    return std::make_unique<Handle>(*this, found->second, path);
}

Result<std::unique_ptr<File>> Disk::create(const Path& path, bool) {
    auto inode = std::make_shared<Inode>();
    inode->number = ++inode_last_;
    if (auto changed = change_names(DiskCall::kCreate, {.from = {}, .to = path, .inode = inode}); !changed)
        return std::unexpected(changed.error());
    return std::make_unique<Handle>(*this, inode, path);
}

Result<void> Disk::rename(const Path& from, const Path& to) {
    const auto found = files_.find(from);
    if (found == files_.end()) return no_such_file(from);
    return change_names(DiskCall::kRename, {.from = from, .to = to, .inode = found->second});
}

Result<void> Disk::remove(const Path& path) {
    if (!files_.contains(path)) return no_such_file(path);
    return change_names(DiskCall::kRemove, {.from = path, .to = {}, .inode = nullptr});
}

Result<void> Disk::change_names(DiskCall call, NameChange change) {
    auto verdict = judge(call, change.to.empty() ? change.from : change.to);
    if (!verdict.error || verdict.in_flight) {
        change.order = ++order_last_;
        if (!change.from.empty()) files_.erase(change.from);
        if (!change.to.empty()) files_[change.to] = change.inode;
        name_changes_.push_back(std::move(change));
    }
    if (verdict.error) return std::unexpected(std::move(*verdict.error));
    return {};
}

Result<void> Disk::sync_directory(const Path& directory) {
    auto verdict = judge(DiskCall::kSyncDirectory, directory);
    if (verdict.error) return std::unexpected(std::move(*verdict.error));
    const auto within = [&](const NameChange& change) {
        return (change.to.empty() ? change.from : change.to).parent_path() == directory;
    };
    for (const auto& change : name_changes_) {
        if (!within(change)) continue;
        if (!change.from.empty()) durable_.erase(change.from);
        if (!change.to.empty()) durable_[change.to] = change.inode;
    }
    std::erase_if(name_changes_, within);
    return {};
}

Result<std::vector<std::string>> Disk::list(const Path& directory) {
    if (auto listed = call(DiskCall::kList, directory); !listed) return std::unexpected(listed.error());
    std::vector<std::string> names;
    for (const auto& [path, inode] : files_)
        if (path.parent_path() == directory) names.push_back(path.filename().string());
    return names;
}

std::uint64_t Disk::used_bytes() const {
    auto bytes = reserved;
    for (const auto& [path, inode] : files_) bytes += inode->now.size();
    return bytes;
}

bool Disk::fits(std::uint64_t more_bytes) const {
    const auto used = used_bytes();
    return used <= capacity && more_bytes <= capacity - used;
}

// --- power -----------------------------------------------------------------------------------------------------------

std::map<std::uint64_t, Disk::InodePtr> Disk::inodes() const {
    std::map<std::uint64_t, InodePtr> all;
    for (const auto* files : {&files_, &durable_})
        for (const auto& [path, inode] : *files) all.emplace(inode->number, inode);
    for (const auto& change : name_changes_)
        if (change.inode) all.emplace(change.inode->number, change.inode);
    return all;
}

std::vector<Disk::Unsynced> Disk::unsynced() const {
    std::vector<Unsynced> all;
    for (const auto& [number, inode] : inodes())
        for (const auto& [sector, order] : inode->dirty)
            if (inode->differs(sector)) all.push_back({.order = order, .sector = sector, .number = number});
    for (std::uint64_t n = 0; n < name_changes_.size(); ++n)
        all.push_back({.order = name_changes_[n].order, .number = n});
    std::ranges::sort(all, {}, [](const Unsynced& one) { return std::tuple(one.order, one.number, one.sector); });
    return all;
}

void Disk::crash(const std::vector<bool>& kept) {
    const auto lost = unsynced();
    ZABD_ASSERT(kept.size() == lost.size());
    const auto all = inodes();
    for (std::size_t n = 0; n < lost.size(); ++n) {
        if (!kept[n]) continue;
        if (lost[n].sector) {
            all.at(lost[n].number)->keep(*lost[n].sector);
            continue;
        }
        const auto& change = name_changes_[lost[n].number];
        if (!change.from.empty() && durable_.erase(change.from) == 0) continue;  // rests on one that was lost
        if (!change.to.empty()) durable_[change.to] = change.inode;
    }
    files_ = durable_;
    name_changes_.clear();
    for (const auto& [path, inode] : files_) {
        inode->now = inode->durable;
        inode->dirty.clear();
    }
    restart();
}

void Disk::restart() {
    cut_ = false;
    calls_left_.reset();
}

// --- tests -----------------------------------------------------------------------------------------------------------

std::vector<Disk::Path> Disk::paths() const {
    std::vector<Path> paths;
    for (const auto& [path, inode] : files_) paths.push_back(path);
    return paths;
}

void Disk::put(const Path& path, std::string content) {
    auto& inode = files_[path];
    if (!inode) {
        inode = std::make_shared<Inode>();
        inode->number = ++inode_last_;
    }
    durable_[path] = inode;
    inode->now = std::move(content);
    inode->durable = inode->now;
    inode->dirty.clear();
}

void Disk::take_away(const Path& path) {
    files_.erase(path);
    durable_.erase(path);
    std::erase_if(name_changes_, [&](const NameChange& change) { return change.to == path || change.from == path; });
}

void Disk::become(const Disk& other) {
    auto copy = other.clone();
    files_ = std::move(copy.files_);
    durable_ = std::move(copy.durable_);
    name_changes_ = std::move(copy.name_changes_);
    reserved = copy.reserved;
    inode_last_ = std::max(inode_last_, copy.inode_last_);
    restart();
}

Disk Disk::clone() const {
    std::map<std::uint64_t, InodePtr> copies;
    for (const auto& [number, inode] : inodes()) copies.emplace(number, std::make_shared<Inode>(*inode));
    Disk copy;
    copy.files_ = files_;
    copy.durable_ = durable_;
    copy.name_changes_ = name_changes_;
    for (auto* files : {&copy.files_, &copy.durable_})
        for (auto& [path, inode] : *files) inode = copies.at(inode->number);
    for (auto& change : copy.name_changes_)
        if (change.inode) change.inode = copies.at(change.inode->number);
    copy.capacity = capacity;
    copy.reserved = reserved;
    copy.inode_last_ = inode_last_;
    copy.order_last_ = order_last_;
    return copy;
}

}  // namespace zabd::sim
