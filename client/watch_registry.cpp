#include "client/watch_registry.hpp"

#include "client/request_frame.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <utility>

namespace zabd::client {
namespace {

constexpr std::array kOneShots{WatchKind::kData, WatchKind::kExists, WatchKind::kChildren};

void add_once(std::vector<EventSink*>& sinks, EventSink* sink) {
    if (std::ranges::find(sinks, sink) == sinks.end()) sinks.push_back(sink);
}

WatcherType type_of(WatchKind kind) {
    switch (kind) {
        case WatchKind::kData:
        case WatchKind::kExists: return WatcherType::kData;
        case WatchKind::kChildren: return WatcherType::kChildren;
        case WatchKind::kPersistent: return WatcherType::kPersistent;
        case WatchKind::kRecursive: return WatcherType::kPersistentRecursive;
    }
    return WatcherType::kAny;
}

/// The path itself, then its parent, up to the root.
std::vector<std::string_view> with_ancestors(std::string_view path) {
    std::vector<std::string_view> paths{path};
    while (path.size() > 1) {
        path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
        paths.push_back(path);
    }
    return paths;
}

}  // namespace

std::string_view WatchRegistry::within_chroot(std::string_view path) const {
    if (chroot_.empty() || !path.starts_with(chroot_)) return path;
    path.remove_prefix(chroot_.size());
    return path.empty() ? "/" : path;
}

void WatchRegistry::add(WatchKind kind, std::string_view path, EventSink& sink) {
    auto& paths = of(kind);
    auto found = paths.find(path);
    if (found == paths.end()) found = paths.emplace(path, Sinks()).first;
    add_once(found->second, &sink);
}

std::vector<EventSink*> WatchRegistry::fire(EventType type, std::string_view path) {
    Sinks told;
    const auto tell = [&](WatchKind kind, std::string_view watched, bool spends) {
        auto& paths = of(kind);
        const auto found = paths.find(watched);
        if (found == paths.end()) return;
        for (auto* sink : found->second) add_once(told, sink);
        if (spends) paths.erase(found);
    };
    const bool children = type == EventType::kChildrenChanged;
    if (!children) {
        tell(WatchKind::kData, path, true);
        tell(WatchKind::kExists, path, true);
    }
    if (children || type == EventType::kDeleted) tell(WatchKind::kChildren, path, true);
    tell(WatchKind::kPersistent, path, false);
    // A server that also has a one-shot child watch here says so of the children, which recursive watches are not for.
    if (!children) {
        for (const auto ancestor : with_ancestors(path)) tell(WatchKind::kRecursive, ancestor, false);
    }
    return told;
}

void WatchRegistry::forget_one_shots() {
    for (const auto kind : kOneShots) of(kind).clear();
}

void WatchRegistry::forget(std::string_view path, WatcherType type) {
    for (std::size_t i = 0; i < kKinds; ++i) {
        if (type != WatcherType::kAny && type != type_of(static_cast<WatchKind>(i))) continue;
        const auto found = paths_[i].find(path);
        if (found != paths_[i].end()) paths_[i].erase(found);
    }
}

bool WatchRegistry::watches(std::string_view path) const {
    return std::ranges::any_of(paths_, [&](const Paths& paths) { return paths.contains(path); });
}

std::vector<WatchRegistry::Removal> WatchRegistry::drop(const EventSink& sink) {
    std::vector<std::pair<std::string, WatchKind>> unwanted;
    for (std::size_t i = 0; i < kKinds; ++i) {
        for (auto at = paths_[i].begin(); at != paths_[i].end();) {
            auto& sinks = at->second;
            const bool had = std::erase_if(sinks, [&](const EventSink* other) { return other == &sink; }) != 0;
            if (had && sinks.empty()) {
                unwanted.emplace_back(at->first, static_cast<WatchKind>(i));
                at = paths_[i].erase(at);
            } else {
                ++at;
            }
        }
    }
    std::vector<Removal> removals;
    for (auto& [path, kind] : unwanted) {
        // "Any" of a path is what all servers know; those before 3.9 have no names for the persistent kinds.
        const bool last = !watches(path);
        if (!last && std::ranges::find(kOneShots, kind) != kOneShots.end()) continue;
        const Removal removal{path, last ? WatcherType::kAny : type_of(kind)};
        const auto same = [&](const Removal& other) {
            return other.path == removal.path && other.type == removal.type;
        };
        if (std::ranges::none_of(removals, same)) removals.push_back(removal);
    }
    return removals;
}

std::vector<std::string> WatchRegistry::rearming(Zxid seen, Xid xid, std::size_t bytes_max) const {
    std::vector<std::string> frames;
    const bool persistent = !paths_[static_cast<std::size_t>(WatchKind::kPersistent)].empty() ||
                            !paths_[static_cast<std::size_t>(WatchKind::kRecursive)].empty();
    std::array<std::vector<std::string_view>, kKinds> batch;
    std::size_t bytes = 0;
    const auto finish = [&] {
        if (bytes == 0) return;
        auto& [data, exists, children, plain, recursive] = batch;
        if (persistent) {
            const wire::SetWatches2Request request{seen, data, exists, children, plain, recursive};
            frames.push_back(frame_of(xid, wire::OpCode::kSetWatches2, request));
        } else {  // which servers before 3.6 know too
            const wire::SetWatchesRequest request{seen, data, exists, children};
            frames.push_back(frame_of(xid, wire::OpCode::kSetWatches, request));
        }
        batch = {};
        bytes = 0;
    };
    for (std::size_t i = 0; i < kKinds; ++i) {
        for (const auto& [path, sinks] : paths_[i]) {
            if (bytes + path.size() > bytes_max) finish();
            batch[i].push_back(path);
            bytes += path.size();
        }
    }
    finish();
    return frames;
}

std::size_t WatchRegistry::size() const {
    std::size_t size = 0;
    for (const auto& paths : paths_) size += paths.size();
    return size;
}

}  // namespace zabd::client
