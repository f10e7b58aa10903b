#include "server/core/inspect.hpp"

#include "server/core/core_impl.hpp"
#include "server/core/walk.hpp"
#include "znode/path.hpp"

#include <algorithm>

namespace zabd::core {
namespace {

constexpr std::size_t kEphemeralsLookedAtMax = 10'000;  // in one slice, to count them

}  // namespace

WalkContext Core::Impl::walk_context(znode::Identities who) const {
    return {pipeline_.state(), who, options_.prepare.check_acls, pipeline_.replacements()};
}

SessionView Core::Impl::view_of(SessionId id, Millis timeout) const {
    SessionView view{.id = id, .timeout = timeout};
    view.ephemerals = pipeline_.state().tree.ephemeral_count_of(id);
    const auto owner = owners_.find(id);
    if (owner == owners_.end()) return view;
    view.connection = owner->second;
    view.watches = watches_.count_of(owner->second);
    return view;
}

NodeAnswer Core::node(std::string_view path, znode::Identities who) const {
    if (!znode::valid_path(path)) return {.error = wire::ErrorCode::kBadArguments};
    const auto* node = impl_->pipeline_.state().tree.find(path);
    if (!node) return {.error = wire::ErrorCode::kNoNode};
    NodeAnswer answer{.node = view_of(impl_->walk_context(who), *node, true, true)};
    if (!answer.node.readable) answer.error = wire::ErrorCode::kNoAuth;
    return answer;
}

WalkAnswer Core::walk(const WalkQuery& query, znode::Identities who) const {
    return core::walk(impl_->walk_context(who), query);
}

SessionsAnswer Core::sessions_page(SessionId from, std::size_t max) const {
    const auto& all = impl_->pipeline_.sessions().all();
    SessionsAnswer answer{.total = all.size()};
    std::size_t ephemerals = 0;
    auto session = all.lower_bound(from);
    for (; session != all.end() && answer.sessions.size() < max && ephemerals < kEphemeralsLookedAtMax; ++session) {
        answer.sessions.push_back(impl_->view_of(session->first, session->second));
        ephemerals += answer.sessions.back().ephemerals;
    }
    if (session != all.end()) answer.next = session->first;
    return answer;
}

std::optional<SessionView> Core::session(SessionId id) const {
    const auto& all = impl_->pipeline_.sessions().all();
    const auto found = all.find(id);
    return found == all.end() ? std::nullopt : std::optional(impl_->view_of(id, found->second));
}

std::vector<std::string> Core::ephemerals_of(SessionId id, std::size_t max) const {
    return impl_->pipeline_.state().tree.ephemerals_of(id, max);
}

std::optional<ConnectionStatus> Core::connection(ConnectionId id) const {
    const auto found = impl_->clients_.find(id);
    if (found == impl_->clients_.end()) return std::nullopt;
    auto status = found->second.status;
    status.queued = found->second.queued();
    return status;
}

std::vector<ConnectionStatus> Core::connections_page(ConnectionId from, std::size_t max) const {
    std::vector<ConnectionId> ids;
    for (const auto& [id, client] : impl_->clients_)
        if (id >= from) ids.push_back(id);
    const auto wanted = std::min(ids.size(), max);
    std::ranges::partial_sort(ids, ids.begin() + static_cast<std::ptrdiff_t>(wanted));
    std::vector<ConnectionStatus> page;
    for (std::size_t i = 0; i < wanted; ++i) {
        const auto& client = impl_->clients_.at(ids[i]);
        page.push_back(client.status);
        page.back().queued = client.queued();
    }
    return page;
}

WatchesAnswer Core::watches_page(WatchCursor from, std::size_t max) const {
    WatchesAnswer answer{.total = impl_->watches_.count()};
    // The first so many of those that watch at all: each has at least one watch.
    std::vector<ConnectionId> watching;
    for (const auto& [id, client] : impl_->clients_)
        if (id >= from.connection && impl_->watches_.count_of(id) != 0) watching.push_back(id);
    const auto wanted = std::min(watching.size(), max + 1);
    std::ranges::partial_sort(watching, watching.begin() + static_cast<std::ptrdiff_t>(wanted));
    watching.resize(wanted);
    for (const auto id : watching) {
        const auto begin = id == from.connection ? from.offset : 0;
        const auto room = max - answer.watches.size();
        if (room == 0) return answer.next = WatchCursor{id, begin}, answer;
        const auto session = impl_->clients_.at(id).session;
        impl_->watches_.for_each_of(id, begin, room, [&](std::string_view path, const auto& kinds) {
            answer.watches.push_back({std::string(path), session, id, kinds});
        });
        if (begin + room < impl_->watches_.count_of(id)) return answer.next = WatchCursor{id, begin + room}, answer;
    }
    return answer;
}

std::vector<PathLoad> Core::top_paths() const { return impl_->path_loads_.top(); }

wire::Password Core::password_of(SessionId id) const { return impl_->password_of(id); }

}  // namespace zabd::core
