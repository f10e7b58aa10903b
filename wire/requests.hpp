// What clients ask and what they are answered: one struct per record, fields in wire order.
//
// A decoded record borrows from its frame. A field that may be null is an optional.
// Source    ZooKeeper's client protocol, 3.0 to 3.9; the names of operations are its own.
#pragma once

#include "wire/acl.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/jute.hpp"
#include "wire/opcodes.hpp"
#include "wire/stat.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {

using Text = std::string_view;
using NullableText = std::optional<std::string_view>;
using NullableBuffer = std::optional<std::string_view>;

// --- headers ---------------------------------------------------------------------------------------------------------

struct RequestHeader {
    Xid xid = 0;
    OpCode op = OpCode::kNotification;
    static void fields(auto& self, auto&& visit) { visit(self.xid, self.op); }
};

struct ReplyHeader {
    Xid xid = 0;
    Zxid zxid;  // of the last transaction applied when the reply was made
    ErrorCode error = ErrorCode::kOk;
    static void fields(auto& self, auto&& visit) { visit(self.xid, self.zxid, self.error); }
};
inline constexpr std::size_t kReplyHeaderBytes = 16;

/// In front of every operation of a multi, of every result, and (done) behind the last.
struct MultiHeader {
    OpCode op = OpCode::kError;
    bool done = false;
    ErrorCode error = ErrorCode::kSystemError;  // -1 in requests
    static void fields(auto& self, auto&& visit) { visit(self.op, self.done, self.error); }
};

inline constexpr MultiHeader kMultiEnd{OpCode::kError, true, ErrorCode::kSystemError};

// --- requests --------------------------------------------------------------------------------------------------------

/// exists, getData, getChildren, getChildren2.
struct ReadRequest {
    Text path;
    bool watch = false;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.watch); }
};

/// getACL, getAllChildrenNumber.
struct PathRequest {
    Text path;
    static void fields(auto& self, auto&& visit) { visit(self.path); }
};

/// sync, getEphemerals (a prefix): null is as good as empty.
struct NullablePathRequest {
    NullableText path;
    static void fields(auto& self, auto&& visit) { visit(self.path); }
};

/// The field `flags` of a create.
enum class CreateMode : std::int32_t {
    kPersistent = 0,
    kEphemeral = 1,
    kPersistentSequential = 2,
    kEphemeralSequential = 3,
    kContainer = 4,
    kPersistentTtl = 5,
    kPersistentSequentialTtl = 6,
};

/// create, create2, createContainer.
struct CreateRequest {
    Text path;
    NullableBuffer data;
    std::optional<AclList> acl;
    CreateMode mode = CreateMode::kPersistent;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.data, self.acl, self.mode); }
};

struct CreateTtlRequest {
    Text path;
    NullableBuffer data;
    std::optional<AclList> acl;
    CreateMode mode = CreateMode::kPersistentTtl;
    std::int64_t ttl_ms = 0;  // 1 to 2^40-1
    static void fields(auto& self, auto&& visit) { visit(self.path, self.data, self.acl, self.mode, self.ttl_ms); }
};

/// delete, check (inside a multi). Version -1: any.
struct VersionedRequest {
    Text path;
    std::int32_t version = -1;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.version); }
};

struct SetDataRequest {
    Text path;
    NullableBuffer data;
    std::int32_t version = -1;  // of the data; -1: any
    static void fields(auto& self, auto&& visit) { visit(self.path, self.data, self.version); }
};

struct SetAclRequest {
    Text path;
    std::optional<AclList> acl;
    std::int32_t version = -1;  // of the ACL; -1: any
    static void fields(auto& self, auto&& visit) { visit(self.path, self.acl, self.version); }
};

struct AuthRequest {
    std::int32_t type = 0;  // ignored
    NullableText scheme;
    NullableBuffer auth;
    static void fields(auto& self, auto&& visit) { visit(self.type, self.scheme, self.auth); }
};

/// sasl, both ways.
struct SaslToken {
    NullableBuffer token;
    static void fields(auto& self, auto&& visit) { visit(self.token); }
};

struct SetWatchesRequest {
    Zxid relative_zxid;  // last that the client saw before it lost its connection
    std::vector<Text> data;
    std::vector<Text> exist;
    std::vector<Text> child;
    static void fields(auto& self, auto&& visit) { visit(self.relative_zxid, self.data, self.exist, self.child); }
};

struct SetWatches2Request {
    Zxid relative_zxid;
    std::vector<Text> data;
    std::vector<Text> exist;
    std::vector<Text> child;
    std::vector<Text> persistent;
    std::vector<Text> persistent_recursive;
    static void fields(auto& self, auto&& visit) {
        visit(self.relative_zxid, self.data, self.exist, self.child, self.persistent, self.persistent_recursive);
    }
};

enum class AddWatchMode : std::int32_t { kPersistent = 0, kPersistentRecursive = 1 };

struct AddWatchRequest {
    Text path;
    AddWatchMode mode = AddWatchMode::kPersistent;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.mode); }
};

/// Which watches checkWatches and removeWatches mean.
enum class WatcherType : std::int32_t {
    kChildren = 1,
    kData = 2,
    kAny = 3,
    kPersistent = 4,
    kPersistentRecursive = 5,
};

struct WatchesRequest {
    Text path;
    WatcherType type = WatcherType::kAny;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.type); }
};

struct ReconfigRequest {
    NullableText joining;
    NullableText leaving;
    NullableText new_members;
    std::int64_t config_version = -1;  // -1: any
    static void fields(auto& self, auto&& visit) {
        visit(self.joining, self.leaving, self.new_members, self.config_version);
    }
};

// --- replies ---------------------------------------------------------------------------------------------------------

/// create, sync.
struct PathReply {
    NullableText path;
    static void fields(auto& self, auto&& visit) { visit(self.path); }
};

/// create2, createContainer, createTTL.
struct PathStatReply {
    Text path;
    Stat stat;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.stat); }
};

/// exists, setData, setACL.
struct StatReply {
    Stat stat;
    static void fields(auto& self, auto&& visit) { visit(self.stat); }
};

/// getData, reconfig.
struct DataReply {
    NullableBuffer data;
    Stat stat;
    static void fields(auto& self, auto&& visit) { visit(self.data, self.stat); }
};

struct AclReply {
    AclList acl;
    Stat stat;
    static void fields(auto& self, auto&& visit) { visit(self.acl, self.stat); }
};

/// getChildren: single components. getEphemerals: whole paths.
struct NamesReply {
    std::vector<Text> names;
    static void fields(auto& self, auto&& visit) { visit(self.names); }
};

struct NamesStatReply {
    std::vector<Text> names;
    Stat stat;
    static void fields(auto& self, auto&& visit) { visit(self.names, self.stat); }
};

struct CountReply {
    std::int32_t count = 0;
    static void fields(auto& self, auto&& visit) { visit(self.count); }
};

/// addWatch (always 0), and a failed operation's result in a multi.
struct ErrorReply {
    ErrorCode error = ErrorCode::kOk;
    static void fields(auto& self, auto&& visit) { visit(self.error); }
};

struct ClientInfo {
    Text scheme;
    Text user;
    static void fields(auto& self, auto&& visit) { visit(self.scheme, self.user); }
};

struct WhoAmIReply {
    std::vector<ClientInfo> identities;
    static void fields(auto& self, auto&& visit) { visit(self.identities); }
};

// --- watch events ----------------------------------------------------------------------------------------------------

enum class EventType : std::int32_t {
    kNodeCreated = 1,
    kNodeDeleted = 2,
    kNodeDataChanged = 3,
    kNodeChildrenChanged = 4,
};

inline constexpr std::int32_t kStateSyncConnected = 3;  // the only state that servers send

/// Behind a ReplyHeader {kXidWatchEvent, zxid of the cause, 0}.
struct WatcherEvent {
    EventType type = EventType::kNodeCreated;
    std::int32_t state = kStateSyncConnected;
    Text path;
    static void fields(auto& self, auto&& visit) { visit(self.type, self.state, self.path); }
};

}  // namespace zabd::wire
