// Requests taken apart strictly: what is not understood is refused, not skipped.
//
// Effects   none. Threads: any.
// Errors    BadRequest is thrown, which says what is wrong; bad_request_reply() makes the answer of it.
#pragma once

#include "net/http.hpp"
#include "server/admin/values.hpp"
#include "wire/acl.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace zabd::server::admin {

/// What the caller is told.
struct BadRequest {
    std::string message;
};
/// 400 BadArguments.
[[nodiscard]] net::HttpResponse bad_request_reply(const BadRequest& wrong);

/// The parameters behind the ?, of which each is known and there once.
class Parameters {
public:
    explicit Parameters(const net::HttpRequest& request) : request_(request) {}

    /// nullopt: there is none. Throws BadRequest for what is not of its kind, or out of its range.
    [[nodiscard]] std::optional<std::string> text(const std::string& name);
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& name, std::int64_t min, std::int64_t max);
    /// Absent is false; "true" and an empty text are true.
    [[nodiscard]] bool flag(const std::string& name);

    /// To be called last: throws BadRequest if there is one that nobody asked for.
    void finish() const;

private:
    const net::HttpRequest& request_;
    std::set<std::string> taken_;
};

/// The members of a JSON object of which each is known, of its type, and there once.
class Body {
public:
    /// Throws BadRequest, unless it is an object, without repeated members, not nested deeper than kDepthMax.
    explicit Body(std::string_view text);

    static constexpr int kDepthMax = 8;

    /// nullopt: there is none. Throws BadRequest for another type, or out of its range.
    [[nodiscard]] std::optional<bool> flag(const std::string& name);
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& name, std::int64_t min, std::int64_t max);
    [[nodiscard]] std::optional<std::string> text(const std::string& name);
    /// {"format": "text" | "hex" | "base64", "value": "..."}; json is taken as text that must parse.
    [[nodiscard]] std::optional<std::string> data(const std::string& name);
    /// [{"scheme": "digest", "id": "ben:...", "perms": "cdrwa"}, ...]
    [[nodiscard]] std::optional<wire::AclList> acl(const std::string& name);

    /// To be called last: throws BadRequest if there is a member that nobody asked for.
    void finish() const;

private:
    explicit Body(nlohmann::json object, std::string name);
    [[nodiscard]] const nlohmann::json* take(const std::string& name);
    [[nodiscard]] std::string where(const std::string& name) const;

    nlohmann::json object_;
    std::string name_;  // of an object within: for messages
    std::set<std::string> taken_;
};

}  // namespace zabd::server::admin
