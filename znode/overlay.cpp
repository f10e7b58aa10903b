#include "znode/overlay.hpp"

#include "wire/assert.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <algorithm>

namespace zabd::znode {

namespace {

PendingNode pending(const Node& node) {
    PendingNode result;
    result.exists = true;
    result.owner = node.owner;
    result.version = node.version;
    result.creations = node.creations;
    result.aversion = node.aversion;
    result.child_count = node.child_count;
    result.data_bytes = static_cast<std::int64_t>(node.data.size());
    result.mtime_ms = node.mtime_ms;
    result.acl = node.acl;
    return result;
}

bool ephemeral(const PendingNode& node) { return node.exists && kind_of(node.owner) == Kind::kEphemeral; }

/// As ZooKeeper counts: past the highest comes the lowest.
std::int32_t wrapping_sum(std::int32_t left, std::int32_t right) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(left) + static_cast<std::uint32_t>(right));
}

}  // namespace

std::optional<PendingNode> Overlay::find(std::string_view path) const {
    if (const auto found = changes_.find(path); found != changes_.end())
        return found->second.node.exists ? std::optional(found->second.node) : std::nullopt;
    const auto* node = state_.tree.find(path);
    return node ? std::optional(pending(*node)) : std::nullopt;
}

const wire::AclList& Overlay::acl_of(const PendingNode& node) const {
    return node.acl_in_flight ? *node.acl_in_flight : state_.acls.list(node.acl);
}

void Overlay::begin(Zxid zxid) {
    ZABD_ASSERT(undo_.empty() && accounted_.empty());
    ZABD_ASSERT(in_flight_.empty() || in_flight_.back().first < zxid);
    zxid_open_ = zxid;
}

void Overlay::create(std::string_view path, PendingNode node, PendingNode parent) {
    parent.creations = wrapping_sum(parent.creations, 1);
    ++parent.child_count;
    put(parent_path(path), std::move(parent));
    account(node, path, 1);
    put(path, std::move(node));
}

void Overlay::change(std::string_view path, PendingNode node) { put(path, std::move(node)); }

void Overlay::remove(std::string_view path, PendingNode node) {
    auto parent = find(parent_path(path));
    ZABD_ASSERT(parent && parent->child_count > 0);
    --parent->child_count;
    put(parent_path(path), std::move(*parent));
    account(node, path, -1);
    node.exists = false;
    put(path, std::move(node));
}

void Overlay::put(std::string_view path, PendingNode node) {
    auto found = changes_.find(path);
    if (found == changes_.end()) {
        found = changes_.emplace(std::string(path), Change{zxid_open_, std::move(node)}).first;
        undo_.push_back({&*found, std::nullopt});
    } else {
        auto& change = found->second;
        unindex(*found);
        if (change.zxid != zxid_open_) undo_.push_back({&*found, std::move(change)});
        change = {zxid_open_, std::move(node)};
    }
    index(*found);
}

void Overlay::commit() {
    for (const auto& undo : undo_) in_flight_.emplace_back(zxid_open_, undo.entry);
    undo_.clear();
    accounted_.clear();
}

void Overlay::rollback() {
    for (auto& [entry, before] : undo_) {
        if (before) {
            unindex(*entry);
            entry->second = std::move(*before);
            index(*entry);
        } else {
            erase(*entry);
        }
    }
    for (auto it = accounted_.rbegin(); it != accounted_.rend(); ++it) add_ephemeral_bytes(it->first, -it->second);
    undo_.clear();
    accounted_.clear();
}

void Overlay::applied(Zxid zxid) {
    while (!in_flight_.empty() && in_flight_.front().first <= zxid) {
        // A younger transaction's change of the entry has a place of its own in the queue.
        const auto& [changed_by, entry] = in_flight_.front();
        if (entry->second.zxid == changed_by) erase(*entry);
        in_flight_.pop_front();
    }
}

void Overlay::clear() {
    ZABD_ASSERT(undo_.empty());
    in_flight_.clear();
    ephemerals_.clear();
    ephemeral_bytes_.clear();
    changes_.clear();
}

std::vector<std::string> Overlay::ephemerals_of(SessionId session) const {
    std::vector<std::string> paths;
    for (auto& path : state_.tree.ephemerals_of(session))
        if (!changes_.contains(path)) paths.push_back(std::move(path));
    for (auto it = ephemerals_.lower_bound({session, {}}); it != ephemerals_.end() && it->first == session; ++it)
        paths.emplace_back(it->second);
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::size_t Overlay::ephemeral_bytes_of(SessionId session) {
    if (const auto found = ephemeral_bytes_.find(session); found != ephemeral_bytes_.end())
        return static_cast<std::size_t>(found->second);
    std::size_t bytes = 0;
    for (const auto& path : ephemerals_of(session)) bytes += path.size();
    if (bytes > 0) ephemeral_bytes_.emplace(session, static_cast<std::int64_t>(bytes));
    return bytes;
}

void Overlay::account(const PendingNode& node, std::string_view path, int sign) {
    if (!ephemeral(node)) return;
    const auto session = static_cast<SessionId>(node.owner);
    const auto bytes = sign * static_cast<std::int64_t>(path.size());
    accounted_.emplace_back(session, bytes);
    add_ephemeral_bytes(session, bytes);
}

void Overlay::add_ephemeral_bytes(SessionId session, std::int64_t bytes) {
    const auto found = ephemeral_bytes_.find(session);
    if (found == ephemeral_bytes_.end()) return;  // nobody has asked: walked when somebody does
    found->second += bytes;
    ZABD_ASSERT(found->second >= 0);
    if (found->second == 0) ephemeral_bytes_.erase(found);
}

void Overlay::index(const Entry& entry) {
    const auto& node = entry.second.node;
    if (ephemeral(node)) ephemerals_.emplace(static_cast<SessionId>(node.owner), entry.first);
}

void Overlay::unindex(const Entry& entry) {
    const auto& node = entry.second.node;
    if (ephemeral(node)) ephemerals_.erase({static_cast<SessionId>(node.owner), entry.first});
}

void Overlay::erase(const Entry& entry) {
    unindex(entry);
    changes_.erase(changes_.find(entry.first));
}

}  // namespace zabd::znode
