#include "server/admin/reply.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zabd::server::admin {
namespace {

using nlohmann::json;

struct Refusal {
    unsigned status = 500;
    std::string_view code;
    std::string_view message;
};

Refusal refusal_of(wire::ErrorCode error) {
    using enum wire::ErrorCode;
    switch (error) {
        case kNoNode: return {404, "NoNode", "there is no such node"};
        case kNoAuth: return {403, "NoAuth", "its ACL does not allow that to this caller"};
        case kAuthFailed: return {403, "AuthFailed", "the server did not take the caller's credentials"};
        case kSessionClosedRequireAuth: return {403, "NoAuth", "the server asks for an identity that the caller lacks"};
        case kBadVersion: return {409, "BadVersion", "it has another version by now"};
        case kNodeExists: return {409, "NodeExists", "there is such a node already"};
        case kNotEmpty: return {409, "NotEmpty", "it has children"};
        case kNoChildrenForEphemerals: return {409, "NoChildrenForEphemerals", "an ephemeral node has no children"};
        case kQuotaExceeded: return {409, "QuotaExceeded", "a quota does not allow that"};
        case kBadArguments: return {400, "BadArguments", "not a valid path or argument"};
        case kInvalidAcl: return {400, "InvalidACL", "the ACL is not valid"};
        case kMarshallingError: return {400, "Marshalling", "too large, or not well-formed"};
        case kUnimplemented: return {400, "Unimplemented", "this server does not do that, or it is switched off"};
        case kUnknownSession: return {404, "NotFound", "there is no such session"};
        case kSystemError: return {503, "SystemError", "the server could not do that; its disk may be full"};
        case kNotReadOnly: return {503, "NotServing", "the server is cut off from its quorum, and read-only"};
        case kSessionExpired:
        case kSessionMoved: return {503, "NotServing", "the session by which it was asked has ended; ask again"};
        case kThrottledOp: return {503, "NotServing", "the server has too much to do"};
        default: return {500, "Internal", "the server answered with an error"};
    }
}

}  // namespace

net::HttpResponse json_reply(const json& body, unsigned status) {
    net::HttpResponse response;
    response.status = status;
    response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    response.body.push_back('\n');
    return response;
}

net::HttpResponse error_reply(unsigned status, std::string_view code, std::string_view message) {
    return json_reply({{"error", {{"code", code}, {"message", message}}}}, status);
}

net::HttpResponse error_reply(wire::ErrorCode error, std::string_view path) {
    const auto refusal = refusal_of(error);
    if (refusal.status == 500) {
        const auto message = fmt::format("{}: {} ({})", path, refusal.message, static_cast<std::int32_t>(error));
        return error_reply(refusal.status, refusal.code, message);
    }
    if (path.empty()) return error_reply(refusal.status, refusal.code, refusal.message);
    return error_reply(refusal.status, refusal.code, fmt::format("{}: {}", path, refusal.message));
}

std::string hex(std::uint64_t value) { return fmt::format("{:#x}", value); }
std::string hex(Zxid zxid) { return hex(zxid.value); }
std::string hex(SessionId session) { return hex(static_cast<std::uint64_t>(session)); }

}  // namespace zabd::server::admin
