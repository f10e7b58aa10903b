// Error codes of the client protocol that a server sends. Clients throw on numbers they do not know: none is invented.
#pragma once

#include <cstdint>

namespace zabd::wire {

enum class ErrorCode : std::int32_t {
    kOk = 0,
    kSystemError = -1,
    kRuntimeInconsistency = -2,  // sub-operations behind the one that failed a multi
    kMarshallingError = -5,
    kUnimplemented = -6,
    kBadArguments = -8,
    kUnknownSession = -12,
    kNewConfigNoQuorum = -13,
    kReconfigInProgress = -14,
    kNoNode = -101,
    kNoAuth = -102,
    kBadVersion = -103,
    kNoChildrenForEphemerals = -108,
    kNodeExists = -110,
    kNotEmpty = -111,
    kSessionExpired = -112,
    kInvalidAcl = -114,
    kAuthFailed = -115,
    kSessionMoved = -118,  // never on the wire: the connection is closed instead
    kNotReadOnly = -119,
    kEphemeralOnLocalSession = -120,
    kNoWatcher = -121,
    kReconfigDisabled = -123,
    kSessionClosedRequireAuth = -124,
    kQuotaExceeded = -125,
    kThrottledOp = -127,
};

}  // namespace zabd::wire
