// What operations take and give. Paths are absolute ("/a/b"), below the chroot if there is one; data are any bytes.
//
// Options are plain values that own nothing: what they point to is read when the operation is called, not later.
#pragma once

#include "wire/acl.hpp"
#include "wire/connect.hpp"
#include "wire/ids.hpp"
#include "wire/requests.hpp"
#include "wire/stat.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace zabd::client {

using wire::Acl;
using wire::AclList;
using wire::CreateMode;
using wire::Id;
using wire::Stat;
using wire::WatcherType;

using Millis = std::chrono::milliseconds;

class Watch;

inline constexpr std::int32_t kAnyVersion = -1;

/// Everybody may do everything: what nodes get unless told otherwise.
const AclList& open_acl();
/// Whoever made the node (the identities given by add_auth) may do everything, others nothing.
const AclList& creator_acl();
/// Everybody may read.
const AclList& read_acl();

/// For all operations. Zero: Options::operation_timeout.
struct CallOptions {
    Millis timeout{0};
};

struct ReadOptions {
    /// Armed for one event (ZooKeeper's one-shot watch) if the operation succeeds, or if exists() finds no node.
    Watch* watch = nullptr;
    /// Asks a sync in front, in the same write: the answer is of a state no older than the call. See Client::sync().
    bool linearizable = false;
    Millis timeout{0};
};

struct CreateOptions {
    CreateMode mode = CreateMode::kPersistent;
    Millis ttl{0};                 // of modes kPersistentTtl and kPersistentSequentialTtl: 1 ms to 2^40-1
    const AclList* acl = nullptr;  // nullptr: open_acl()
    Millis timeout{0};
};

struct VersionOptions {
    std::int32_t version = kAnyVersion;
    Millis timeout{0};
};

struct NodeData {
    std::string data;  // a node's null reads as empty
    Stat stat;
};

struct Children {
    std::vector<std::string> names;  // single components, in no order
    Stat stat;
};

struct Created {
    std::string path;  // with the number that a sequential mode appended
    Stat stat;
};

struct NodeAcl {
    AclList acl;
    Stat stat;
};

/// What one keeps to take a session up again.
struct Session {
    SessionId id = SessionId::kNone;
    wire::Password password{};
};

enum class State : std::uint8_t {
    kConnecting,         // no session yet
    kConnected,          //
    kConnectedReadOnly,  // at a server without a quorum: reads only, perhaps of the past
    kSuspended,          // connection lost, session perhaps alive: what it holds is in doubt
    kLost,               // the session is over, its ephemerals are gone; a new one comes with kConnected if renewed
    kAuthFailed,         // the server refused an add_auth: final
    kClosed,             // final
};
const char* name_of(State state);

enum class EventType : std::uint8_t {
    kCreated,
    kDeleted,
    kDataChanged,
    kChildrenChanged,
    kState,   // of the connection: `state` tells; between kSuspended and kConnected persistent watches miss events
    kLagged,  // events were dropped here, as nobody took them: read anew what the watch was for
};
const char* name_of(EventType type);

struct Event {
    EventType type = EventType::kState;
    State state = State::kConnected;
    std::string path{};  // empty for kState and kLagged
    Zxid zxid{};         // of the transaction that caused it, where the server tells (zabd does); else 0
};

}  // namespace zabd::client
