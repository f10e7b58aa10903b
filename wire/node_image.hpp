// What one transaction left behind, in the form in which a checkpoint keeps it: after-images.
//
// An image says the whole of what it names, so a later one replaces an earlier one. All images of one transaction
// belong together.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zabd::wire {

/// Number of an interned ACL list. kOpen is world:anyone with all permissions, which is never stored.
enum class AclId : std::uint32_t { kOpen = 0 };

/// A znode without its data. Fields of the stat as stored, not as shown to clients.
struct NodeRecord {
    NodeId id = NodeId::kNone;
    NodeId parent = NodeId::kNone;  // kNone for the root
    std::string name;               // last component of the path; empty for the root
    Zxid czxid;
    Zxid mzxid;
    Zxid pzxid;
    std::int64_t ctime_ms = 0;
    std::int64_t mtime_ms = 0;
    std::int32_t version = 0;
    std::int32_t creations = 0;  // children ever created
    std::int32_t aversion = 0;
    std::int64_t owner = 0;  // raw: 0, a session, the container mark or a TTL (znode/owner.hpp)
    AclId acl = AclId::kOpen;

    static void fields(auto& self, auto&& visit) {
        visit(self.id, self.parent, self.name, self.czxid, self.mzxid, self.pzxid, self.ctime_ms, self.mtime_ms,
              self.version, self.creations, self.aversion, self.owner, self.acl);
    }
    friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

struct NodeImage {
    NodeRecord record;
    bool deleted = false;       // then only record.id counts
    bool data_changed = false;  // data says the new one; otherwise the stored one stays
    Bytes data;
};

struct SessionImage {
    SessionId session = SessionId::kNone;
    /// nullopt: closed. Negated for one whose password may be as ZooKeeper makes it.
    std::optional<std::int32_t> timeout_ms;
    static SessionImage open(SessionId session, std::int32_t timeout_ms, bool zookeeper_password) {
        return {session, zookeeper_password ? -timeout_ms : timeout_ms};
    }
};

struct AclImage {
    AclId id = AclId::kOpen;
    std::optional<std::string> encoded_list;  // jute form of an AclList; nullopt: no longer used
};

/// All that changed up to and with `zxid`.
struct StateImages {
    Zxid zxid;
    std::uint64_t digest = 0;          // of the tree at zxid
    NodeId next_node = NodeId::kRoot;  // ids below it have been used
    std::vector<NodeImage> nodes;
    std::vector<SessionImage> sessions;
    std::vector<AclImage> acls;
    std::uint64_t log_bytes = 0;  // of the transactions that made them: what a restart would otherwise read
};

}  // namespace zabd::wire
