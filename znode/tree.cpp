#include "znode/tree.hpp"

#include "wire/assert.hpp"
#include "wire/big_endian.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace zabd::znode {

namespace {

/// The root's path, where paths are hashed and digested, is "".
std::string_view inner_path(std::string_view path) { return path == kRootPath ? std::string_view() : path; }

bool in_digest(std::string_view path) { return !path.starts_with("/zookeeper/"); }

std::uint32_t crc_of(std::uint32_t crc, const void* bytes, std::size_t count) {
    if (count == 0) return crc;  // libdeflate starts anew for a null pointer
    return libdeflate_crc32(crc, bytes, count);
}

std::uint32_t content_crc(std::string_view path, std::string_view data) {
    return crc_of(crc_of(0, path.data(), path.size()), data.data(), data.size());
}

/// Fields of a stat in the order and form in which they are digested.
class StatBytes {
public:
    explicit StatBytes(const Node& node) {
        for (const auto zxid : {node.czxid, node.mzxid, node.pzxid}) put(zxid.value);
        for (const auto time_ms : {node.ctime_ms, node.mtime_ms}) put(static_cast<std::uint64_t>(time_ms));
        for (const auto count : {node.version, node.creations, node.aversion}) put(static_cast<std::uint32_t>(count));
        put(static_cast<std::uint64_t>(node.owner));
        ZABD_ASSERT(end_ == bytes_.size());
    }

    [[nodiscard]] std::uint32_t crc_behind(std::uint32_t crc) const { return crc_of(crc, bytes_.data(), end_); }

private:
    template <class Unsigned>
    void put(Unsigned value) {
        store_big_endian(&bytes_[end_], value);
        end_ += sizeof value;
    }

    std::array<unsigned char, 60> bytes_;
    std::size_t end_ = 0;
};

std::uint64_t digest_of(const Node& node, std::string_view path) {
    return in_digest(path) ? StatBytes(node).crc_behind(node.content_crc) : 0;
}

bool reapable(const Node& node) {
    const auto kind = kind_of(node.owner);
    return kind == Kind::kContainer || kind == Kind::kTtl;
}

/// Where the ephemerals are listed; nullopt for other kinds.
std::optional<std::pair<SessionId, NodeId>> ephemeral_key(const Node& node) {
    if (kind_of(node.owner) != Kind::kEphemeral) return std::nullopt;
    return std::pair(static_cast<SessionId>(node.owner), node.id);
}

constexpr NodeId kLastId{~std::uint64_t{0}};

std::int32_t one_more(std::int32_t count) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(count) + 1);  // wraps, as Java's does
}

NodeId after(NodeId id) { return static_cast<NodeId>(static_cast<std::uint64_t>(id) + 1); }

}  // namespace

wire::Stat stat_of(const Node& node) {
    const auto cversion = 2 * static_cast<std::uint32_t>(node.creations) - node.child_count;  // wraps, as Java's does
    return {
        .czxid = node.czxid,
        .mzxid = node.mzxid,
        .ctime = node.ctime_ms,
        .mtime = node.mtime_ms,
        .version = node.version,
        .cversion = static_cast<std::int32_t>(cversion),
        .aversion = node.aversion,
        .ephemeral_owner = visible_owner(node.owner),
        .data_length = static_cast<std::int32_t>(node.data.size()),
        .num_children = static_cast<std::int32_t>(node.child_count),
        .pzxid = node.pzxid,
    };
}

// --- A fresh tree ----------------------------------------------------------------------------------------------------

Tree::Tree(AclId config_acl) {
    for (const auto path : {kRootPath, kSystemPath, kQuotaPath, kConfigPath}) {
        const Slot slot = insert(path, path == kRootPath ? kNoSlot : slot_of(parent_path(path)), next_id_);
        Node& node = store_.at(slot);
        if (path == kConfigPath) {
            node.acl = config_acl;
            node.aversion = -1;  // ZooKeeper's starts so
        }
        set_content(node, path, Bytes::copy_of(std::string_view()));
        enter(slot, path);
    }
}

Tree Tree::empty() { return Tree(); }

// --- Reading ---------------------------------------------------------------------------------------------------------

const Node* Tree::find(const HashedPath& path) const {
    const Slot slot = slot_of(path);
    return slot == kNoSlot ? nullptr : &store_.at(slot);
}

std::string Tree::path_of(const Node& node) const {
    if (node.parent == kNoSlot) return std::string(kRootPath);
    std::size_t size = 0;
    for (const Node* level = &node; level->parent != kNoSlot; level = &at(level->parent)) {
        size += 1 + level->name().size();
    }
    std::string path(size, '/');
    for (const Node* level = &node; level->parent != kNoSlot; level = &at(level->parent)) {
        const auto name = level->name();
        size -= name.size();
        name.copy(path.data() + size, name.size());
        --size;
    }
    return path;
}

void Tree::for_each_child(const Node& node, const std::function<void(const Node&)>& visit) const {
    for (Slot slot = node.first_child; slot != kNoSlot; slot = at(slot).next_sibling) visit(at(slot));
}

void Tree::for_each_in_subtree(const Node& top, const std::function<void(const Node&)>& visit) const {
    const Node* node = &top;
    for (;;) {
        visit(*node);
        if (node->first_child != kNoSlot) {
            node = &at(node->first_child);
            continue;
        }
        while (node != &top && node->next_sibling == kNoSlot) node = &at(node->parent);
        if (node == &top) return;
        node = &at(node->next_sibling);
    }
}

std::size_t Tree::descendant_count(const Node& node) const {
    std::size_t count = 0;
    for_each_in_subtree(node, [&](const Node&) { ++count; });
    return count - 1;
}

std::vector<std::string> Tree::ephemerals_of(SessionId session, std::size_t max) const {
    std::vector<std::string> paths;
    auto entry = ephemerals_.lower_bound({session, NodeId::kNone});
    for (; entry != ephemerals_.end() && entry->first.first == session && paths.size() < max; ++entry) {
        paths.push_back(path_of(at(entry->second)));
    }
    return paths;
}

std::size_t Tree::ephemeral_count_of(SessionId session) const {
    std::size_t count = 0;
    auto entry = ephemerals_.lower_bound({session, NodeId::kNone});
    for (; entry != ephemerals_.end() && entry->first.first == session; ++entry) ++count;
    return count;
}

void Tree::for_each_ephemeral_owner(const std::function<void(SessionId)>& visit) const {
    const std::pair<SessionId, NodeId>* last = nullptr;
    for (const auto& [key, slot] : ephemerals_) {
        if (!last || last->first != key.first) visit(key.first);
        last = &key;
    }
}

void Tree::for_each_reapable(const std::function<void(const Node&)>& visit) const {
    for (const auto& [id, slot] : reapables_) visit(at(slot));
}

wire::NodeRecord Tree::record_of(const Node& node) const {
    return {
        .id = node.id,
        .parent = node.parent == kNoSlot ? NodeId::kNone : at(node.parent).id,
        .name = std::string(node.name()),
        .czxid = node.czxid,
        .mzxid = node.mzxid,
        .pzxid = node.pzxid,
        .ctime_ms = node.ctime_ms,
        .mtime_ms = node.mtime_ms,
        .version = node.version,
        .creations = node.creations,
        .aversion = node.aversion,
        .owner = node.owner,
        .acl = node.acl,
    };
}

// --- Changing --------------------------------------------------------------------------------------------------------

const Node& Tree::create(Creation creation) {
    const auto parent_path_ = parent_path(creation.path);
    const Slot parent_slot = slot_of(parent_path_);
    ZABD_ASSERT(parent_slot != kNoSlot);
    Node& parent = store_.at(parent_slot);
    ZABD_ASSERT(kind_of(parent.owner) != Kind::kEphemeral);
    auto creations = creation.parent_creations;
    if (creation.parent_may_be_newer && creations == -1) creations = one_more(parent.creations);
    ZABD_ASSERT(creation.parent_may_be_newer || creations == one_more(parent.creations));
    if (!creation.parent_may_be_newer || creations > parent.creations) {
        update(parent, parent_path_, [&] {
            parent.creations = creations;
            parent.pzxid = creation.zxid;
        });
    }

    const Slot slot = insert(creation.path, parent_slot, next_id_);
    ZABD_ASSERT(slot != kNoSlot);
    Node& node = store_.at(slot);
    node.acl = creation.acl;
    node.owner = creation.owner;
    node.czxid = node.mzxid = node.pzxid = creation.zxid;
    node.ctime_ms = node.mtime_ms = creation.time_ms;
    set_content(node, creation.path, std::move(creation.data));
    enter(slot, creation.path);
    return node;
}

void Tree::remove(std::string_view path, Zxid zxid) {
    const Slot slot = slot_of(path);
    ZABD_ASSERT(slot != kNoSlot);
    const Node& node = store_.at(slot);
    ZABD_ASSERT(node.parent != kNoSlot);
    ZABD_ASSERT(node.first_child == kNoSlot);
    Node& parent = store_.at(node.parent);
    update(parent, parent_path(path), [&] { parent.pzxid = std::max(parent.pzxid, zxid); });
    leave(node, path);
    unlink(path, slot);
}

const Node& Tree::raise_pzxid(std::string_view path, Zxid zxid) {
    Node& node = existing(path);
    update(node, path, [&] { node.pzxid = std::max(node.pzxid, zxid); });
    return node;
}

const Node& Tree::set_data(DataChange change) {
    Node& node = existing(change.path);
    bytes_ -= node.data.size();
    update(node, change.path, [&] {
        set_content(node, change.path, std::move(change.data));
        node.version = change.version;
        node.mzxid = change.zxid;
        node.mtime_ms = change.time_ms;
    });
    bytes_ += node.data.size();
    return node;
}

const Node& Tree::set_acl(std::string_view path, AclId acl, std::int32_t aversion) {
    Node& node = existing(path);
    update(node, path, [&] {
        node.acl = acl;
        node.aversion = aversion;
    });
    return node;
}

const Node& Tree::refresh_data(std::string_view path, Bytes data) {
    const Node& node = existing(path);
    return set_data(
        {.path = path, .data = std::move(data), .version = node.version, .zxid = node.mzxid, .time_ms = node.mtime_ms});
}

Node& Tree::existing(std::string_view path) {
    const Slot slot = slot_of(path);
    ZABD_ASSERT(slot != kNoSlot);
    return store_.at(slot);
}

Slot Tree::insert(std::string_view path, Slot parent_slot, NodeId id) {
    ZABD_ASSERT(id >= next_id_);
    const Slot slot = store_.add(path, parent_slot, base_name(path));
    if (slot == kNoSlot) return slot;
    next_id_ = after(id);
    Node& node = store_.at(slot);
    node.id = id;
    node.previous_sibling = slot;
    if (parent_slot == kNoSlot) return slot;

    Node& parent = store_.at(parent_slot);
    ++parent.child_count;
    if (parent.first_child == kNoSlot) {
        parent.first_child = slot;
    } else {
        Node& first = store_.at(parent.first_child);
        node.previous_sibling = std::exchange(first.previous_sibling, slot);
        store_.at(node.previous_sibling).next_sibling = slot;
    }
    return slot;
}

void Tree::unlink(std::string_view path, Slot slot) {
    const Node& node = store_.at(slot);
    Node& parent = store_.at(node.parent);
    --parent.child_count;
    if (parent.first_child == slot) {
        parent.first_child = node.next_sibling;
    } else {
        store_.at(node.previous_sibling).next_sibling = node.next_sibling;
    }
    const Slot behind = node.next_sibling != kNoSlot ? node.next_sibling : parent.first_child;
    if (behind != kNoSlot) store_.at(behind).previous_sibling = node.previous_sibling;
    store_.remove(path, slot);
}

void Tree::set_content(Node& node, std::string_view path, Bytes data) {
    node.content_crc = content_crc(inner_path(path), data.view());
    node.data = std::move(data);
}

void Tree::enter(Slot slot, std::string_view path) {
    const Node& node = store_.at(slot);
    digest_ += digest_of(node, path);
    bytes_ += path.size() + node.data.size();
    if (reapable(node)) reapables_.emplace(node.id, slot);
    if (const auto key = ephemeral_key(node)) ephemerals_.emplace(*key, slot);
}

void Tree::leave(const Node& node, std::string_view path) {
    digest_ -= digest_of(node, path);
    bytes_ -= path.size() + node.data.size();
    if (reapable(node)) reapables_.erase(node.id);
    if (const auto key = ephemeral_key(node)) ephemerals_.erase(*key);
}

template <class Change>
void Tree::update(Node& node, std::string_view path, Change change) {
    digest_ -= digest_of(node, path);
    change();
    digest_ += digest_of(node, path);
}

// --- Recovery --------------------------------------------------------------------------------------------------------

bool Tree::restore(const wire::NodeRecord& record, Bytes data) {
    if (record.id < next_id_ || record.id == kLastId) return false;
    const bool root = record.id == NodeId::kRoot;
    std::string path(kRootPath);
    if (root) {
        if (record.parent != NodeId::kNone || !record.name.empty()) return false;
    } else {
        if (record.name.empty() || record.name.find('/') != std::string::npos) return false;
        if (!find_restored_parent(record.parent)) return false;
        path.insert(0, restoring_.parent_path).append(record.name);
    }
    const Slot slot = insert(path, root ? kNoSlot : restoring_.parent, record.id);
    if (slot == kNoSlot) return false;
    ZABD_ASSERT(slot == restoring_.ids.size());
    restoring_.ids.push_back(record.id);

    Node& node = store_.at(slot);
    node.acl = record.acl;
    node.owner = record.owner;
    node.czxid = record.czxid;
    node.mzxid = record.mzxid;
    node.pzxid = record.pzxid;
    node.ctime_ms = record.ctime_ms;
    node.mtime_ms = record.mtime_ms;
    node.version = record.version;
    node.creations = record.creations;
    node.aversion = record.aversion;
    set_content(node, path, std::move(data));
    enter(slot, path);
    return true;
}

/// Sets restoring_.parent and parent_path ("" for the root).
bool Tree::find_restored_parent(NodeId id) {
    const auto& ids = restoring_.ids;
    if (restoring_.parent != kNoSlot && ids[restoring_.parent] == id) return true;
    const auto found = std::ranges::lower_bound(ids, id);
    if (found == ids.end() || *found != id) return false;
    restoring_.parent = static_cast<Slot>(found - ids.begin());
    restoring_.parent_path = inner_path(path_of(at(restoring_.parent)));
    return kind_of(at(restoring_.parent).owner) != Kind::kEphemeral;
}

void Tree::restore_next_id(NodeId next) {
    next_id_ = std::max(next_id_, next);
    restoring_ = {};
}

// --- Checking --------------------------------------------------------------------------------------------------------

void Tree::check_invariants() const {
    std::uint64_t digest = 0;
    std::uint64_t bytes = 0;
    std::size_t nodes = 0;
    std::size_t ephemerals = 0;
    std::size_t reapables = 0;
    const Node* root = find(kRootPath);
    ZABD_ASSERT(root);
    for_each_in_subtree(*root, [&](const Node& node) {
        const auto path = path_of(node);
        ZABD_ASSERT(find(path) == &node);
        ZABD_ASSERT(node.id < next_id_);
        ZABD_ASSERT(node.content_crc == content_crc(inner_path(path), node.data.view()));
        check_children(node);
        if (const auto key = ephemeral_key(node)) {
            ++ephemerals;
            ZABD_ASSERT(node.first_child == kNoSlot);
            ZABD_ASSERT(&at(ephemerals_.at(*key)) == &node);
        }
        if (reapable(node)) {
            ++reapables;
            ZABD_ASSERT(&at(reapables_.at(node.id)) == &node);
        }
        ++nodes;
        digest += digest_of(node, path);
        bytes += path.size() + node.data.size();
    });
    ZABD_ASSERT(nodes == store_.size());
    ZABD_ASSERT(ephemerals == ephemerals_.size());
    ZABD_ASSERT(reapables == reapables_.size());
    ZABD_ASSERT(digest == digest_);
    ZABD_ASSERT(bytes == bytes_);
}

void Tree::check_children(const Node& parent) const {
    std::uint32_t count = 0;
    const Node* previous = nullptr;
    for_each_child(parent, [&](const Node& child) {
        ++count;
        ZABD_ASSERT(&at(child.parent) == &parent);
        ZABD_ASSERT(child.id > (previous ? previous->id : parent.id));
        ZABD_ASSERT(!previous || &at(child.previous_sibling) == previous);
        previous = &child;
    });
    ZABD_ASSERT(count == parent.child_count);
    ZABD_ASSERT(!previous || &at(at(parent.first_child).previous_sibling) == previous);
}

}  // namespace zabd::znode
