#include "client/error.hpp"

#include <boost/asio/error.hpp>

#include <string>

namespace zabd::client {
namespace {

const char* text_of(Errc code) {
    switch (code) {
        case Errc::kSystemError: return "the server failed";
        case Errc::kRuntimeInconsistency: return "not tried: another operation of the multi failed";
        case Errc::kConnectionLoss: return "connection lost before the answer; it may have been applied";
        case Errc::kMarshallingError: return "the server's answer does not decode";
        case Errc::kUnimplemented: return "the server does not know this operation";
        case Errc::kOperationTimeout: return "no answer in time; it may have been applied";
        case Errc::kBadArguments: return "bad arguments";
        case Errc::kUnknownSession: return "unknown session";
        case Errc::kNewConfigNoQuorum: return "the new configuration has no quorum";
        case Errc::kReconfigInProgress: return "another reconfiguration is in progress";
        case Errc::kNoNode: return "no such node";
        case Errc::kNoAuth: return "not allowed";
        case Errc::kBadVersion: return "the version is another";
        case Errc::kNoChildrenForEphemerals: return "an ephemeral node has no children";
        case Errc::kNodeExists: return "the node exists";
        case Errc::kNotEmpty: return "the node has children";
        case Errc::kSessionExpired: return "the session is over";
        case Errc::kInvalidAcl: return "invalid ACL";
        case Errc::kAuthFailed: return "the server refused the credentials";
        case Errc::kClosed: return "the client is closed";
        case Errc::kSessionMoved: return "the session has moved to another connection";
        case Errc::kNotReadOnly: return "the server serves reads only";
        case Errc::kEphemeralOnLocalSession: return "a local session has no ephemerals";
        case Errc::kNoWatcher: return "no such watch";
        case Errc::kReconfigDisabled: return "reconfiguration is not enabled";
        case Errc::kSessionClosedRequireAuth: return "the server closed the session: it wants credentials";
        case Errc::kQuotaExceeded: return "over the quota";
        case Errc::kThrottled: return "the server is overloaded";
        case Errc::kNotSent: return "given up before it was sent; it had no effect";
        case Errc::kRequestTooLarge: return "the request is larger than the server takes (request_bytes_max)";
        case Errc::kTooManyRequests: return "too many requests wait for an answer";
        case Errc::kWatchClosed: return "the watch was closed";
    }
    return nullptr;
}

class Category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "zookeeper"; }
    [[nodiscard]] std::string message(int code) const override {
        const auto* text = text_of(static_cast<Errc>(code));
        return text ? text : "ZooKeeper error " + std::to_string(code);
    }
};

}  // namespace

const std::error_category& category() noexcept {
    static const Category kCategory;
    return kCategory;
}

bool may_have_been_applied(const std::error_code& error) noexcept {
    static const std::error_code kCancelled = boost::system::error_code(boost::asio::error::operation_aborted);
    return error == Errc::kConnectionLoss || error == Errc::kOperationTimeout || error == Errc::kSessionExpired ||
           error == Errc::kClosed || error == Errc::kMarshallingError || error == kCancelled;
}

}  // namespace zabd::client
