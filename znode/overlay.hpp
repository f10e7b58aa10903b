// What the tree will be once the proposals in flight have committed.
//
// A leader validates against this. It holds what proposals in flight change, by path; anything else is read through to
// the tree. It is dropped whole when leadership is lost.
// Undo      a transaction's changes see each other at once and stay or go together, so that a multi that fails halfway
//           leaves no trace, sequence counters included.
// Paths     whole ones; the root is "/".
// Bounds    by the proposals in flight; one number for each session that has created an ephemeral.
#pragma once

#include "wire/acl.hpp"
#include "wire/ids.hpp"
#include "znode/apply.hpp"
#include "znode/node_store.hpp"
#include "znode/path_index.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zabd::znode {

/// What validation needs to know of a node.
struct PendingNode {
    bool exists = false;
    std::int64_t owner = 0;  // raw, see owner.hpp
    std::int32_t version = 0;
    std::int32_t creations = 0;
    std::int32_t aversion = 0;
    std::uint32_t child_count = 0;
    std::int64_t data_bytes = 0;
    std::int64_t mtime_ms = 0;
    AclId acl = AclId::kOpen;                            // counts while acl_in_flight is null
    std::shared_ptr<const wire::AclList> acl_in_flight;  // set by a proposal: it has no id yet
};

class Overlay {
public:
    /// `state` outlives the overlay.
    explicit Overlay(const State& state) : state_(state) {}
    Overlay(const Overlay&) = delete;
    Overlay& operator=(const Overlay&) = delete;

    /// The node as it will be; nullopt if it will not be there.
    [[nodiscard]] std::optional<PendingNode> find(const HashedPath& path) const;
    /// Good until the next change of the overlay or the state.
    [[nodiscard]] const wire::AclList& acl_of(const PendingNode& node) const;

    /// Between begin() and commit() or rollback(): the changes of one transaction, which see each other. Zxids grow.
    void begin(Zxid zxid);
    /// `node` appears, and its parent, as found there, counts one child and one creation more.
    void create(const HashedPath& path, PendingNode node, const HashedPath& parent_path, PendingNode parent);
    /// A node that is there changes, but for its owner.
    void change(const HashedPath& path, PendingNode node) { put(path, std::move(node)); }
    /// `node`, as found there, goes, and its parent counts one child less.
    void remove(const HashedPath& path, PendingNode node);
    void commit();
    void rollback();

    /// The transaction has been applied to the tree: what only it changed is read from there again.
    void applied(Zxid zxid);
    void clear();
    /// Paths that differ from the tree, or may.
    [[nodiscard]] std::size_t size() const { return index_.size(); }

    /// Ephemerals that the session will own, in order of their paths.
    [[nodiscard]] std::vector<std::string> ephemerals_of(SessionId session) const;
    /// Bytes of these paths. Walks them for a session's first time only.
    [[nodiscard]] std::size_t ephemeral_bytes_of(SessionId session);

private:
    struct Change {
        Zxid zxid;  // the last transaction that changed it
        PendingNode node;
    };
    /// Lies where it is until it is erased; its place, and the memory of its path, is then used again.
    struct Entry {
        std::string path;
        std::uint32_t hash = 0;
        Change change;
    };
    struct Undo {
        Slot slot = kNoSlot;           // of the entry
        std::optional<Change> before;  // nullopt: the tree's
    };

    [[nodiscard]] Slot slot_of(const HashedPath& path) const;
    Slot add(const HashedPath& path, PendingNode node);
    void put(const HashedPath& path, PendingNode node);
    void account(const PendingNode& node, std::string_view path, int sign);
    void add_ephemeral_bytes(SessionId session, std::int64_t bytes);
    void index(const Entry& entry);
    void unindex(const Entry& entry);
    void erase(Slot slot);

    const State& state_;
    std::deque<Entry> entries_;
    std::vector<Slot> free_;
    PathIndex index_;                              // of entries_
    std::deque<std::pair<Zxid, Slot>> in_flight_;  // oldest first, for applied()
    /// Entries that are an existing ephemeral, by session and path.
    std::set<std::pair<SessionId, std::string_view>> ephemerals_;
    /// Of sessions that have been asked for, while it is not zero.
    std::unordered_map<SessionId, std::int64_t> ephemeral_bytes_;

    // Of the open transaction.
    Zxid zxid_open_;
    std::vector<Undo> undo_;
    std::vector<std::pair<SessionId, std::int64_t>> accounted_;
};

}  // namespace zabd::znode
