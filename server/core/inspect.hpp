// Looking into the core in slices, so that nobody waits: nodes, sessions, watches.
//
// Effects   none: const functions of the core between two steps.
// Bounds    a slice looks at no more than it is told, and says where the next one begins. What happens between two slices
//           may or may not be seen; what was there all the time is seen exactly once (of watches: unless others of the
//           same connection go).
// ACLs      as for a client with these identities. Who may not READ a node learns that it is there, as its parent's children
//           show, and nothing more of it.
#pragma once

#include "wire/acl.hpp"
#include "wire/bytes.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/stat.hpp"
#include "wire/time.hpp"
#include "znode/owner.hpp"
#include "znode/watches.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zabd::core {

struct NodeView {
    std::string path;
    bool readable = false;  // if not, nothing below is filled in, but for `acl` if these identities may ADMIN the node
    wire::Stat stat{};
    znode::Kind kind = znode::Kind::kPersistent;
    std::int64_t ttl_ms = 0;
    Bytes data{};         // if asked for
    wire::AclList acl{};  // if asked for; hashes of digests hidden from those who may not ADMIN the node
};

struct NodeAnswer {
    wire::ErrorCode error = wire::ErrorCode::kOk;  // kNoNode, kNoAuth, kBadArguments (of the path)
    NodeView node{};                               // with data and ACL
};

struct WalkQuery {
    std::string below;                  // the node whose children are wanted
    bool deep = false;                  // all below it, parents first; else its children. In order of creation.
    std::string cursor{};               // empty: from the start; else WalkAnswer::next of the slice before
    std::size_t nodes_max = 256;        // looked at; at least one
    std::size_t bytes_max = 256 << 10;  // of paths and data in the answer, though one node's may be more
    bool with_data = false;
    bool with_acl = false;
};
struct WalkAnswer {
    wire::ErrorCode error = wire::ErrorCode::kOk;  // kNoNode, kNoAuth (of `below`), kBadArguments (path; a cursor that
                                                   // is none, or of a tree that a leader's snapshot has replaced since)
    std::vector<NodeView> nodes{};
    std::string next{};     // empty: that was all
    std::size_t total = 0;  // children of `below` at this moment
    std::size_t looked_at = 0;
};

struct SessionView {
    SessionId id = SessionId::kNone;
    Millis timeout{0};
    std::optional<ConnectionId> connection{};  // on this server
    std::size_t ephemerals = 0;
    std::size_t watches = 0;  // on this server: paths
};
struct SessionsAnswer {
    std::vector<SessionView> sessions{};
    SessionId next = SessionId::kNone;  // kNone: that was all
    std::size_t total = 0;
};

struct WatchView {
    std::string path;
    SessionId session = SessionId::kNone;
    ConnectionId connection = ConnectionId::kNone;
    std::vector<znode::WatchKind> kinds{};
};
struct WatchCursor {
    ConnectionId connection = ConnectionId::kNone;  // kNone: from the start
    std::size_t offset = 0;
};
struct WatchesAnswer {
    std::vector<WatchView> watches{};   // by connection
    std::optional<WatchCursor> next{};  // nullopt: that was all
    std::size_t total = 0;
};

/// A learner of this leader.
struct LearnerView {
    ServerId server{};
    bool observer = false;
    bool up_to_date = false;  // its synchronisation is over
    Zxid acked{};             // in its log, durably; of an observer: sent
};

/// What reading and writing a path costs, estimated from a sample: the paths used most, no others.
struct PathLoad {
    std::string path;
    std::uint64_t reads = 0, writes = 0, bytes = 0;
};

}  // namespace zabd::core
