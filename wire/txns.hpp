// Transactions: what a leader proposes, every server logs, and apply turns into changes of the tree.
//
// Form      TxnHeader, then the body that the type says. The same bytes go into the log and over the wire to peers.
//           Everything that depends on time or on the state at preparation is resolved in here: apply is a pure function.
// Borrowing as everywhere, a decoded body borrows from the bytes it came from.
#pragma once

#include "wire/acl.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/requests.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {

struct TxnHeader {
    SessionId session = SessionId::kNone;  // who asked; kNone for the container and TTL reaper
    Xid xid = 0;                           // 0 for what the server did by itself
    Zxid zxid;
    std::int64_t time_ms = 0;  // leader's wall clock, since 1970
    OpCode type = OpCode::kError;
    static void fields(auto& self, auto&& visit) { visit(self.session, self.xid, self.zxid, self.time_ms, self.type); }
};

/// kCreate, kCreate2.
struct CreateTxn {
    Text path;
    NullableBuffer data;
    AclList acl;
    bool ephemeral = false;
    std::int32_t parent_creations = 0;  // the parent's counter after this creation
    static void fields(auto& self, auto&& visit) {
        visit(self.path, self.data, self.acl, self.ephemeral, self.parent_creations);
    }
};

struct CreateContainerTxn {
    Text path;
    NullableBuffer data;
    AclList acl;
    std::int32_t parent_creations = 0;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.data, self.acl, self.parent_creations); }
};

struct CreateTtlTxn {
    Text path;
    NullableBuffer data;
    AclList acl;
    std::int32_t parent_creations = 0;
    std::int64_t ttl_ms = 0;
    static void fields(auto& self, auto&& visit) {
        visit(self.path, self.data, self.acl, self.parent_creations, self.ttl_ms);
    }
};

/// kDelete, kDeleteContainer.
struct DeleteTxn {
    Text path;
    static void fields(auto& self, auto&& visit) { visit(self.path); }
};

struct SetDataTxn {
    Text path;
    NullableBuffer data;
    std::int32_t version = 0;  // the new one
    static void fields(auto& self, auto&& visit) { visit(self.path, self.data, self.version); }
};

struct SetAclTxn {
    Text path;
    AclList acl;
    std::int32_t version = 0;  // the new one
    static void fields(auto& self, auto&& visit) { visit(self.path, self.acl, self.version); }
};

/// Inside a multi only.
struct CheckTxn {
    Text path;
    std::int32_t version = 0;
    static void fields(auto& self, auto&& visit) { visit(self.path, self.version); }
};

struct CreateSessionTxn {
    std::int32_t timeout_ms = 0;
    static void fields(auto& self, auto&& visit) { visit(self.timeout_ms); }
};

struct CloseSessionTxn {
    std::vector<Text> ephemerals;  // paths to delete, all of them
    static void fields(auto& self, auto&& visit) { visit(self.ephemerals); }
};

struct ErrorTxn {
    ErrorCode error = ErrorCode::kOk;
    static void fields(auto& self, auto&& visit) { visit(self.error); }
};

/// One operation of a multi: a type and a body in the form above.
struct SubTxn {
    OpCode type = OpCode::kError;
    std::string_view body;
    static void fields(auto& self, auto&& visit) { visit(self.type, self.body); }
};

/// If any operation is of type kError, nothing of it applies.
struct MultiTxn {
    std::vector<SubTxn> operations;
    static void fields(auto& self, auto&& visit) { visit(self.operations); }
};

}  // namespace zabd::wire
