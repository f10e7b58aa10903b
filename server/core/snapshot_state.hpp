// The state that the elements of a snapshot describe, one after the other.
//
// Ids       nodes and ACL lists are numbered anew, in the order in which they come. Equal lists, which may come under
//           several numbers, are one.
// Errors    take() answers false for what does not fit what came before; the rest is then without meaning.
#pragma once

#include "server/core/core.hpp"
#include "wire/snapshot_stream.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::core {

class SnapshotState {
public:
    using AboutSession = std::function<bool(SessionId)>;
    /// `fuzzy`: it was written while transactions went on. The stream does not say the other: whether the session's password
    /// may be as ZooKeeper makes it.
    SnapshotState(bool fuzzy, AboutSession has_zookeeper_password)
        : fuzzy_(fuzzy), has_zookeeper_password_(std::move(has_zookeeper_password)) {}

    /// Appends an image of what is new.
    [[nodiscard]] bool take(wire::SnapshotElement&& element, wire::StateImages& images);
    [[nodiscard]] const znode::Tree& tree() const { return tree_; }
    [[nodiscard]] const session::Table& sessions() const { return sessions_; }
    [[nodiscard]] NodeId next_node() const { return node_next_; }

    struct Whole {
        znode::State state;
        session::Table sessions;
    };
    /// The tree has a root. The object is empty afterwards.
    [[nodiscard]] Whole finish();

private:
    [[nodiscard]] bool take(wire::SnapshotSession&& session, wire::StateImages& images);
    [[nodiscard]] bool take(wire::SnapshotAcl&& acl, wire::StateImages& images);
    [[nodiscard]] bool take(wire::SnapshotNode&& node, wire::StateImages& images);
    [[nodiscard]] std::optional<wire::AclId> id_of(const wire::AclList& list, wire::StateImages& images);
    [[nodiscard]] std::optional<wire::AclId> acl_named(std::int64_t id_of_stream, wire::StateImages& images);
    [[nodiscard]] bool place(const std::string& path, wire::NodeRecord& record);

    bool fuzzy_;
    AboutSession has_zookeeper_password_;
    session::Table sessions_;
    znode::AclTable acls_;
    znode::Tree tree_ = znode::Tree::empty();
    std::map<std::int64_t, wire::AclId> acl_of_stream_;
    std::map<std::string, wire::AclId, std::less<>> acl_of_list_;
    NodeId node_next_ = NodeId::kRoot;
    std::string parent_path_;  // of the last node
    NodeId parent_ = NodeId::kNone;
};

}  // namespace zabd::core
