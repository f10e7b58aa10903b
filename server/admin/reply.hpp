// Responses that many handlers give.
#pragma once

#include "net/http.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace zabd::server::admin {

/// `body`, as it is; text that is not UTF-8 has its bad bytes replaced.
[[nodiscard]] net::HttpResponse json_reply(const nlohmann::json& body, unsigned status = 200);
/// {"error": {"code": "NoNode", "message": "..."}}
[[nodiscard]] net::HttpResponse error_reply(unsigned status, std::string_view code, std::string_view message);
/// Of a request that the core or a server answered with an error: 404 NoNode, 403 NoAuth, 409 BadVersion NodeExists
/// NotEmpty NoChildrenForEphemerals, 400 BadArguments InvalidACL, 503 and 504 where there was no answer.
[[nodiscard]] net::HttpResponse error_reply(wire::ErrorCode error, std::string_view path);

/// "0x1a0b": how zxids and session ids are shown.
[[nodiscard]] std::string hex(std::uint64_t value);
[[nodiscard]] std::string hex(Zxid zxid);
[[nodiscard]] std::string hex(SessionId session);

}  // namespace zabd::server::admin
