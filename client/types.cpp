#include "client/types.hpp"

namespace zabd::client {

const AclList& open_acl() {
    static const AclList kAcl{{wire::kAllPermissions, {"world", "anyone"}}};
    return kAcl;
}

const AclList& creator_acl() {
    static const AclList kAcl{{wire::kAllPermissions, {"auth", ""}}};
    return kAcl;
}

const AclList& read_acl() {
    static const AclList kAcl{{wire::kRead, {"world", "anyone"}}};
    return kAcl;
}

const char* name_of(State state) {
    switch (state) {
        case State::kConnecting: return "connecting";
        case State::kConnected: return "connected";
        case State::kConnectedReadOnly: return "connected read-only";
        case State::kSuspended: return "suspended";
        case State::kLost: return "lost";
        case State::kAuthFailed: return "auth failed";
        case State::kClosed: return "closed";
    }
    return "?";
}

const char* name_of(EventType type) {
    switch (type) {
        case EventType::kCreated: return "created";
        case EventType::kDeleted: return "deleted";
        case EventType::kDataChanged: return "changed";
        case EventType::kChildrenChanged: return "children changed";
        case EventType::kState: return "state";
        case EventType::kLagged: return "lagged";
    }
    return "?";
}

}  // namespace zabd::client
