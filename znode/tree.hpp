// The znodes: nodes by path, children, stats, ephemerals by session, and the running digest.
//
// Layout    nodes lie in a NodeStore and name each other by 32-bit slots; a path is not stored but found by the hash of
//           it and verified by walking up. Children are a list of siblings in order of creation.
// Mutators  called by znode/apply and by recovery, nobody else. Each keeps the digest true.
// Errors    none: callers have checked what they ask for; a missing parent is a broken invariant.
// Digest    sum mod 2^64 of CRC-32(path, data, czxid, mzxid, pzxid, ctime, mtime, version, creations, aversion, owner)
//           over all nodes but those below /zookeeper/; the root's path is empty there. ZooKeeper's version 2.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "znode/node.hpp"
#include "znode/node_store.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::znode {

class Tree {
public:
    /// A fresh tree: /, /zookeeper, /zookeeper/quota, /zookeeper/config.
    /// `config_acl` is that of /zookeeper/config (world may read).
    explicit Tree(AclId config_acl);
    /// No node at all, to be filled by restore() in order of ids.
    static Tree empty();

    /// "" and "/" are the root. nullptr: no such node. Good until the next mutation of that node's existence.
    [[nodiscard]] const Node* find(const HashedPath& path) const;
    /// find() will be asked for it soon.
    void prefetch(const HashedPath& path) const { store_.prefetch(path); }
    [[nodiscard]] const Node& at(Slot slot) const { return store_.at(slot); }
    [[nodiscard]] std::string path_of(const Node& node) const;
    /// Names in order of creation.
    void for_each_child(const Node& node, const std::function<void(const Node&)>& visit) const;
    /// The node, then all below it, parents first.
    void for_each_in_subtree(const Node& node, const std::function<void(const Node&)>& visit) const;
    [[nodiscard]] std::size_t descendant_count(const Node& node) const;
    /// Paths of the session's ephemerals, in order of creation; the first so many.
    [[nodiscard]] std::vector<std::string> ephemerals_of(SessionId session, std::size_t max = SIZE_MAX) const;
    void for_each_ephemeral_owner(const std::function<void(SessionId)>& visit) const;
    /// Containers and TTL nodes, for the reaper; in order of creation.
    void for_each_reapable(const std::function<void(const Node&)>& visit) const;

    [[nodiscard]] std::size_t node_count() const { return store_.size(); }
    [[nodiscard]] std::size_t ephemeral_count() const { return ephemerals_.size(); }
    [[nodiscard]] std::size_t ephemeral_count_of(SessionId session) const;
    /// Bytes of all paths and data; the root's path is "/".
    [[nodiscard]] std::uint64_t approximate_bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] NodeId next_id() const { return next_id_; }

    /// What a create says of its node.
    struct Creation {
        std::string_view path;
        Bytes data;
        AclId acl = AclId::kOpen;
        std::int64_t owner = 0;
        Zxid zxid;
        std::int64_t time_ms = 0;
        std::int32_t parent_creations = 0;  // the parent's counter afterwards, and its pzxid is zxid
        /// The parent may have seen later creations already: its counter only rises, and its pzxid with it. -1 as
        /// parent_creations is one more than there are (old logs do not say it).
        bool parent_may_be_newer = false;
    };
    const Node& create(Creation creation);
    /// A leaf goes; its parent's pzxid becomes `zxid`, unless that is later already.
    void remove(std::string_view path, Zxid zxid);
    /// The children changed at `zxid`, as far as is not known of a later change.
    const Node& raise_pzxid(std::string_view path, Zxid zxid);
    struct DataChange {
        std::string_view path;
        Bytes data;
        std::int32_t version = 0;
        Zxid zxid;
        std::int64_t time_ms = 0;
    };
    const Node& set_data(DataChange change);
    const Node& set_acl(std::string_view path, AclId acl, std::int32_t aversion);
    /// Data of a quota's statistics: no field of the stat changes.
    const Node& refresh_data(std::string_view path, Bytes data);

    /// Recovery: the node of an image, whose parent is there already. False if it does not fit (damage).
    [[nodiscard]] bool restore(const wire::NodeRecord& record, Bytes data);
    /// Recovery: ids below this one have been used.
    void restore_next_id(NodeId next);

    /// The after-image of a node, without its data.
    [[nodiscard]] wire::NodeRecord record_of(const Node& node) const;

    /// O(n): links, counts, ephemerals and the digest recomputed. For tests and the simulator.
    void check_invariants() const;

private:
    Tree() = default;

    [[nodiscard]] Slot slot_of(const HashedPath& path) const { return store_.find(path); }
    [[nodiscard]] Node& existing(std::string_view path);
    /// A node as its parent's last child, neither filled nor counted yet; kNoSlot if there is one already.
    Slot insert(std::string_view path, Slot parent, NodeId id);
    void set_content(Node& node, std::string_view path, Bytes data);
    /// Counts a node that is complete: digest, bytes, ephemerals, reapables.
    void enter(Slot slot, std::string_view path);
    void leave(const Node& node, std::string_view path);
    void unlink(std::string_view path, Slot slot);
    /// Changes a node's stat, and the digest with it.
    template <class Change>
    void update(Node& node, std::string_view path, Change change);
    [[nodiscard]] bool find_restored_parent(NodeId id);
    void check_children(const Node& parent) const;

    NodeStore store_;
    std::map<std::pair<SessionId, NodeId>, Slot> ephemerals_;
    std::map<NodeId, Slot> reapables_;  // containers and TTL nodes
    std::uint64_t digest_ = 0;
    std::uint64_t bytes_ = 0;
    NodeId next_id_ = NodeId::kRoot;

    // Recovery only: the id in each slot, ascending, and the parent found last, which most often is the next one's too.
    struct Restoring {
        std::vector<NodeId> ids;
        Slot parent = kNoSlot;
        std::string parent_path;
    };
    Restoring restoring_;
};

}  // namespace zabd::znode
