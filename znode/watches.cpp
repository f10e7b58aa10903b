#include "znode/watches.hpp"

#include "wire/assert.hpp"

#include <algorithm>

namespace zabd::znode {

namespace {

using wire::EventType;
using wire::WatcherType;

constexpr std::uint8_t bit(WatchKind kind) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(kind)); }

constexpr std::uint8_t kData = bit(WatchKind::kData);
constexpr std::uint8_t kChild = bit(WatchKind::kChild);
constexpr std::uint8_t kPersistent = bit(WatchKind::kPersistent);
constexpr std::uint8_t kRecursive = bit(WatchKind::kPersistentRecursive);
constexpr std::uint8_t kDataTable = kData | kPersistent | kRecursive;
constexpr std::uint8_t kChildTable = kChild | kPersistent;
constexpr std::uint8_t kAll = kDataTable | kChildTable;

/// Entries of the two tables that these kinds make.
std::size_t weight(std::uint8_t kinds) {
    return static_cast<std::size_t>((kinds & kDataTable) != 0) + static_cast<std::size_t>((kinds & kChildTable) != 0);
}

std::uint8_t kinds_told_of(EventType type) {
    switch (type) {
        case EventType::kNodeCreated:
        case EventType::kNodeDataChanged: return kDataTable;
        case EventType::kNodeDeleted: return kAll;
        case EventType::kNodeChildrenChanged: return kChildTable;
    }
    return 0;
}

std::uint8_t kinds_of(WatcherType type) {
    switch (type) {
        case WatcherType::kChildren: return kChild;
        case WatcherType::kData: return kData;
        case WatcherType::kAny: return kAll;
        case WatcherType::kPersistent: return kPersistent;
        case WatcherType::kPersistentRecursive: return kRecursive;
    }
    return 0;
}

auto position(auto& watchers, ConnectionId connection) {
    return std::lower_bound(watchers.begin(), watchers.end(), connection,
                            [](const auto& watcher, ConnectionId wanted) { return watcher.connection < wanted; });
}

}  // namespace

void Watches::add(const Watch& watch) {
    auto found = by_path_.find(watch.path);
    if (found == by_path_.end()) found = by_path_.try_emplace(std::string(watch.path)).first;
    auto& watchers = found->second;
    auto at = position(watchers, watch.connection);
    if (at == watchers.end() || at->connection != watch.connection) {
        auto& paths = paths_of_[watch.connection];
        at = watchers.insert(at, {watch.connection, static_cast<std::uint32_t>(paths.size()), 0});
        paths.push_back(&*found);
    }
    change_kinds(*found, *at, at->kinds | bit(watch.kind));
}

void Watches::fire(EventType type, std::string_view path, std::vector<ConnectionId>& told) {
    told.clear();
    if (by_path_.empty()) return;
    const auto told_kinds = kinds_told_of(type);
    if (const auto found = by_path_.find(path); found != by_path_.end()) {
        fire_at(*found, told_kinds, told_kinds & (kData | kChild), told);
        if (found->second.empty()) by_path_.erase(found);
    }
    if (type == EventType::kNodeChildrenChanged) return;
    const auto exact = told.size();
    fire_above(path, told);
    if (told.size() == exact) return;
    std::sort(told.begin(), told.end());
    told.erase(std::unique(told.begin(), told.end()), told.end());
}

void Watches::fire_at(Entry& entry, Kinds told_kinds, Kinds spent_kinds, std::vector<ConnectionId>& told) {
    auto& watchers = entry.second;
    for (auto& watcher : watchers) {
        if ((watcher.kinds & told_kinds) == 0) continue;
        told.push_back(watcher.connection);
        change_kinds(entry, watcher, watcher.kinds & static_cast<Kinds>(~spent_kinds));
        if (watcher.kinds == 0) forget_place(entry, watcher);
    }
    std::erase_if(watchers, [](const Watcher& watcher) { return watcher.kinds == 0; });
}

void Watches::fire_above(std::string_view path, std::vector<ConnectionId>& told) const {
    for (const auto& [length, watchers] : recursive_lengths_) {
        if (length >= path.size()) return;
        const bool ancestor = length == 1 || (length > 1 && path[length] == '/');
        if (!ancestor) continue;
        const auto found = by_path_.find(path.substr(0, length));
        if (found == by_path_.end()) continue;
        for (const auto& watcher : found->second)
            if (watcher.kinds & kRecursive) told.push_back(watcher.connection);
    }
}

bool Watches::has(std::string_view path, ConnectionId connection, WatcherType type) const {
    return (kinds_of(path, connection) & znode::kinds_of(type)) != 0;
}

bool Watches::remove(std::string_view path, ConnectionId connection, WatcherType type) {
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return false;
    auto& watchers = found->second;
    const auto at = position(watchers, connection);
    if (at == watchers.end() || at->connection != connection) return false;
    const auto removed = at->kinds & znode::kinds_of(type);
    if (removed == 0) return false;
    change_kinds(*found, *at, static_cast<Kinds>(at->kinds & ~removed));
    if (at->kinds != 0) return true;
    forget_place(*found, *at);
    watchers.erase(at);
    if (watchers.empty()) by_path_.erase(found);
    return true;
}

void Watches::remove_connection(ConnectionId connection) {
    const auto own = paths_of_.extract(connection);
    if (own.empty()) return;
    for (auto* entry : own.mapped()) {
        auto& watchers = entry->second;
        const auto at = position(watchers, connection);
        ZABD_ASSERT(at != watchers.end() && at->connection == connection);
        change_kinds(*entry, *at, 0);
        watchers.erase(at);
        if (watchers.empty()) by_path_.erase(by_path_.find(entry->first));
    }
}

std::size_t Watches::count_of(ConnectionId connection) const {
    const auto found = paths_of_.find(connection);
    return found == paths_of_.end() ? 0 : found->second.size();
}

void Watches::for_each_of(ConnectionId connection, std::size_t from, std::size_t max,
                          const std::function<void(std::string_view, const std::vector<WatchKind>&)>& visit) const {
    using enum WatchKind;
    const auto found = paths_of_.find(connection);
    if (found == paths_of_.end()) return;
    const auto& entries = found->second;
    for (auto i = from; i < entries.size() && i - from < max; ++i) {
        const auto watcher = position(entries[i]->second, connection);
        std::vector<WatchKind> kinds;
        for (const auto kind : {kData, kChild, kPersistent, kPersistentRecursive})
            if ((watcher->kinds & bit(kind)) != 0) kinds.push_back(kind);
        visit(entries[i]->first, kinds);
    }
}

void Watches::for_each_data_watch(const std::function<void(std::string_view, ConnectionId)>& visit) const {
    std::vector<const Entry*> sorted;
    for (const auto& entry : by_path_) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](auto* left, auto* right) { return left->first < right->first; });
    for (const auto* entry : sorted)
        for (const auto& watcher : entry->second)
            if (watcher.kinds & kDataTable) visit(entry->first, watcher.connection);
}

Watches::Kinds Watches::kinds_of(std::string_view path, ConnectionId connection) const {
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return 0;
    const auto at = position(found->second, connection);
    return at != found->second.end() && at->connection == connection ? at->kinds : Kinds{0};
}

/// Every change of a watcher's kinds comes through here, so that the counts stay true.
void Watches::change_kinds(const Entry& entry, Watcher& watcher, Kinds kinds) {
    count_ = count_ + weight(kinds) - weight(watcher.kinds);
    const auto length = entry.first.size();
    if (kinds & ~watcher.kinds & kRecursive) ++recursive_lengths_[length];
    if (watcher.kinds & ~kinds & kRecursive) {
        const auto found = recursive_lengths_.find(length);
        if (--found->second == 0) recursive_lengths_.erase(found);
    }
    watcher.kinds = kinds;
}

/// Takes the path out of the connection's list; the last one there moves into its place.
void Watches::forget_place(const Entry& entry, const Watcher& watcher) {
    const auto found = paths_of_.find(watcher.connection);
    ZABD_ASSERT(found != paths_of_.end());
    auto& paths = found->second;
    ZABD_ASSERT(paths.at(watcher.place) == &entry);
    auto* last = paths.back();
    paths.pop_back();
    if (last != &entry) {
        paths[watcher.place] = last;
        position(last->second, watcher.connection)->place = watcher.place;
    }
    if (paths.empty()) paths_of_.erase(found);
}

}  // namespace zabd::znode
