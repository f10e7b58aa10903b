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

std::optional<PendingNode> Overlay::find(const HashedPath& path) const {
    if (const auto slot = slot_of(path); slot != kNoSlot) {
        const auto& node = entries_[slot].change.node;
        return node.exists ? std::optional(node) : std::nullopt;
    }
    const auto* node = state_.tree.find(path);
    return node ? std::optional(pending(*node)) : std::nullopt;
}

Slot Overlay::slot_of(const HashedPath& path) const {
    return index_.find(path.hash, [&](Slot slot) { return entries_[slot].path == path.path; });
}

const wire::AclList& Overlay::acl_of(const PendingNode& node) const {
    return node.acl_in_flight ? *node.acl_in_flight : state_.acls.list(node.acl);
}

void Overlay::begin(Zxid zxid) {
    ZABD_ASSERT(undo_.empty() && accounted_.empty());
    ZABD_ASSERT(in_flight_.empty() || in_flight_.back().first < zxid);
    zxid_open_ = zxid;
}

void Overlay::create(const HashedPath& path, PendingNode node, const HashedPath& parent_path, PendingNode parent) {
    parent.creations = wrapping_sum(parent.creations, 1);
    ++parent.child_count;
    put(parent_path, std::move(parent));
    account(node, path.path, 1);
    put(path, std::move(node));
}

void Overlay::remove(const HashedPath& path, PendingNode node) {
    const HashedPath above(parent_path(path.path));
    auto parent = find(above);
    ZABD_ASSERT(parent && parent->child_count > 0);
    --parent->child_count;
    put(above, std::move(*parent));
    account(node, path.path, -1);
    node.exists = false;
    put(path, std::move(node));
}

void Overlay::put(const HashedPath& path, PendingNode node) {
    const auto slot = slot_of(path);
    if (slot == kNoSlot) {
        undo_.push_back({add(path, std::move(node)), std::nullopt});
        return;
    }
    auto& entry = entries_[slot];
    unindex(entry);
    if (entry.change.zxid != zxid_open_) undo_.push_back({slot, std::move(entry.change)});
    entry.change = {zxid_open_, std::move(node)};
    index(entry);
}

Slot Overlay::add(const HashedPath& path, PendingNode node) {
    auto slot = static_cast<Slot>(entries_.size());
    if (free_.empty()) {
        entries_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    auto& entry = entries_[slot];
    entry.path = path.path;
    entry.hash = path.hash;
    entry.change = {zxid_open_, std::move(node)};
    index_.add(path.hash, slot);
    index(entry);
    return slot;
}

void Overlay::erase(Slot slot) {
    auto& entry = entries_[slot];
    unindex(entry);
    index_.remove(entry.hash, slot);
    entry.change = {};
    free_.push_back(slot);
}

void Overlay::commit() {
    for (const auto& undo : undo_) in_flight_.emplace_back(zxid_open_, undo.slot);
    undo_.clear();
    accounted_.clear();
}

void Overlay::rollback() {
    for (auto& [slot, before] : undo_) {
        if (before) {
            auto& entry = entries_[slot];
            unindex(entry);
            entry.change = std::move(*before);
            index(entry);
        } else {
            erase(slot);
        }
    }
    for (auto it = accounted_.rbegin(); it != accounted_.rend(); ++it) add_ephemeral_bytes(it->first, -it->second);
    undo_.clear();
    accounted_.clear();
}

void Overlay::applied(Zxid zxid) {
    while (!in_flight_.empty() && in_flight_.front().first <= zxid) {
        // A younger transaction's change of the entry has a place of its own in the queue.
        const auto [changed_by, slot] = in_flight_.front();
        if (entries_[slot].change.zxid == changed_by) erase(slot);
        in_flight_.pop_front();
    }
}

void Overlay::clear() {
    ZABD_ASSERT(undo_.empty());
    in_flight_.clear();
    ephemerals_.clear();
    ephemeral_bytes_.clear();
    entries_.clear();
    free_.clear();
    index_ = {};
}

std::vector<std::string> Overlay::ephemerals_of(SessionId session) const {
    std::vector<std::string> paths;
    for (auto& path : state_.tree.ephemerals_of(session))
        if (slot_of(path) == kNoSlot) paths.push_back(std::move(path));
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
    const auto& node = entry.change.node;
    if (ephemeral(node)) ephemerals_.emplace(static_cast<SessionId>(node.owner), entry.path);
}

void Overlay::unindex(const Entry& entry) {
    const auto& node = entry.change.node;
    if (ephemeral(node)) ephemerals_.erase({static_cast<SessionId>(node.owner), entry.path});
}

}  // namespace zabd::znode
