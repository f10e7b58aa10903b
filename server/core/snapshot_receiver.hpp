// A leader's snapshot as it comes: the state that it describes is built beside the one in use, and put as images into a
// checkpoint beside the one in use.
//
// Ids       nodes and ACL lists are numbered anew, in the order in which they come.
// Bounds    the new state itself; of the stream an unfinished element.
// Errors    a stream that is none, or describes no state (a node without its parent, an ephemeral of no open session), is
//           broken.
#pragma once

#include "server/core/core.hpp"
#include "session/table.hpp"
#include "wire/snapshot_stream.hpp"
#include "znode/acl_table.hpp"
#include "znode/tree.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::core {

/// The replicated state as a whole.
struct Replacement {
    znode::State state;
    session::Table sessions;
    Zxid zxid;
};

class SnapshotReceiver {
public:
    SnapshotReceiver(Zxid zxid, std::size_t element_bytes_max) : zxid_(zxid), decoder_(element_bytes_max) {}

    /// Answers how many of `bytes` belong to the snapshot: fewer than all only once it is whole or broken.
    std::size_t feed(std::string_view bytes, Outputs& out);
    [[nodiscard]] bool whole() const { return decoder_.finished() && !broken_; }
    [[nodiscard]] bool broken() const { return decoder_.failed() || broken_; }
    /// Something has been put.
    [[nodiscard]] bool begun() const { return begun_; }

    /// Of a whole one. The object is empty afterwards.
    [[nodiscard]] Replacement take();

private:
    [[nodiscard]] bool take(wire::SnapshotSession&& session);
    [[nodiscard]] bool take(wire::SnapshotAcl&& acl);
    [[nodiscard]] bool take(wire::SnapshotNode&& node);
    [[nodiscard]] bool fits() const;
    void put(Outputs& out);

    Zxid zxid_;
    wire::SnapshotDecoder decoder_;
    std::vector<wire::SnapshotElement> elements_;  // scratch
    bool broken_ = false;
    bool begun_ = false;

    session::Table sessions_;
    znode::AclTable acls_;
    znode::Tree tree_ = znode::Tree::empty();
    std::map<std::int64_t, wire::AclId> acl_of_stream_;
    std::map<std::string, wire::AclId, std::less<>> acl_of_list_;
    NodeId node_next_ = NodeId::kRoot;
    std::string parent_path_;  // of the last node
    NodeId parent_ = NodeId::kNone;
    wire::StateImages images_;
};

}  // namespace zabd::core
