// What can become of an operation: ZooKeeper's error codes, and some of the client's own, as one std::error_code category.
//
// A completion handler gets a boost::system::error_code, as all of Asio's do; it compares with Errc, converts to
// std::error_code and back without loss, and is what a thrown boost::system::system_error holds:
//
//     if (error == client::Errc::kNoNode) ...
//
// Applied or not: kNotSent says that the request never left this process, so it had no effect. kConnectionLoss,
//           kOperationTimeout, kSessionExpired, kClosed and operation_aborted (cancelled) say that it may have been
//           applied; may_have_been_applied() tells one from the other. All other codes are the server's answer, or a
//           refusal to ask it.
#pragma once

#include <system_error>

namespace zabd::client {

/// Numbers above -1000 are ZooKeeper's.
enum class Errc {
    kSystemError = -1,
    kRuntimeInconsistency = -2,  // an operation of a multi behind the one that failed
    kConnectionLoss = -4,        // sent, and the connection broke before the answer
    kMarshallingError = -5,      // the answer does not decode
    kUnimplemented = -6,         // the server does not know the operation
    kOperationTimeout = -7,      // sent, and not answered by its deadline
    kBadArguments = -8,          // a path that cannot be, and the like; refused here where it can be
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
    kClosed = -116,  // the client was closed
    kSessionMoved = -118,
    kNotReadOnly = -119,  // a write, at a server that serves reads only
    kEphemeralOnLocalSession = -120,
    kNoWatcher = -121,
    kReconfigDisabled = -123,
    kSessionClosedRequireAuth = -124,
    kQuotaExceeded = -125,
    kThrottled = -127,
    kNotSent = -1001,          // given up (deadline, session over) before it left; it had no effect
    kRequestTooLarge = -1002,  // above Options::request_bytes_max, which the server would answer by hanging up
    kTooManyRequests = -1003,  // above Options::requests_max or queued_bytes_max
    kWatchClosed = -1004,      // the Watch was closed while somebody waited for its next event
};

const std::error_category& category() noexcept;
inline std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), category()}; }

/// False for success, for what the server refused and for what was never sent; true where nobody here can know.
bool may_have_been_applied(const std::error_code& error) noexcept;

}  // namespace zabd::client

template <>
struct std::is_error_code_enum<zabd::client::Errc> : std::true_type {};
