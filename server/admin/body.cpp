#include "server/admin/body.hpp"

#include "server/admin/reply.hpp"

#include <charconv>
#include <functional>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

using nlohmann::json;

std::string outside(std::int64_t min, std::int64_t max) {
    return " is not a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

/// Refuses what nlohmann's parser lets pass: of members of one name it keeps the last one.
class Strict {
public:
    bool operator()(int depth, json::parse_event_t event, json& parsed) {
        using enum json::parse_event_t;
        if (depth > Body::kDepthMax) throw BadRequest{"the body is nested too deeply"};
        if (event == object_start) members_.emplace_back();
        if (event == object_end) members_.pop_back();
        if (event == key && !members_.back().insert(parsed.get<std::string>()).second)
            throw BadRequest{"the body has a member twice: " + parsed.get<std::string>()};
        return true;
    }

private:
    std::vector<std::set<std::string>> members_;
};

json parsed(std::string_view text) {
    Strict strict;
    auto body = json::parse(text, std::ref(strict), /*allow_exceptions=*/false);
    if (body.is_discarded()) throw BadRequest{"the body is not JSON"};
    if (!body.is_object()) throw BadRequest{"the body is not a JSON object"};
    return body;
}

}  // namespace

net::HttpResponse bad_request_reply(const BadRequest& wrong) { return error_reply(400, "BadArguments", wrong.message); }

std::optional<std::string> Parameters::text(const std::string& name) {
    taken_.insert(name);
    if (request_.query.count(name) > 1) throw BadRequest{"the parameter " + name + " is there twice"};
    return request_.parameter(name);
}

std::optional<std::int64_t> Parameters::number(const std::string& name, std::int64_t min, std::int64_t max) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const auto* end = value->data() + value->size();
    const auto [stopped, error] = std::from_chars(value->data(), end, number);
    if (error != std::errc() || stopped != end || number < min || number > max)
        throw BadRequest{"the parameter " + name + outside(min, max)};
    return number;
}

bool Parameters::flag(const std::string& name) {
    const auto value = text(name);
    if (!value || *value == "false") return false;
    if (*value == "true" || value->empty()) return true;
    throw BadRequest{"the parameter " + name + " is neither true nor false"};
}

void Parameters::finish() const {
    for (const auto& [name, value] : request_.query)
        if (!taken_.contains(name)) throw BadRequest{"unknown parameter: " + name};
}

Body::Body(std::string_view text) : Body(parsed(text), "") {}

Body::Body(json object, std::string name) : object_(std::move(object)), name_(std::move(name)) {}

std::string Body::where(const std::string& name) const { return name_.empty() ? name : name_ + "." + name; }

const json* Body::take(const std::string& name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return nullptr;
    taken_.insert(name);
    return &*found;
}

std::optional<bool> Body::flag(const std::string& name) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_boolean()) throw BadRequest{where(name) + " is neither true nor false"};
    return value->get<bool>();
}

std::optional<std::int64_t> Body::number(const std::string& name, std::int64_t min, std::int64_t max) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_number_integer()) throw BadRequest{where(name) + " is not a whole number"};
    const bool huge =
        value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    if (huge || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max)
        throw BadRequest{where(name) + outside(min, max)};
    return value->get<std::int64_t>();
}

std::optional<std::string> Body::text(const std::string& name) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_string()) throw BadRequest{where(name) + " is not a string"};
    return value->get<std::string>();
}

std::optional<std::string> Body::data(const std::string& name) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_object()) throw BadRequest{where(name) + " is not an object"};
    Body data(*value, where(name));
    const auto format_name = data.text("format");
    const auto content = data.text("value");
    data.finish();
    const auto format = format_name ? format_of(*format_name) : std::nullopt;
    if (!format || format == Format::kAuto) throw BadRequest{where(name) + ".format is not text, json, hex or base64"};
    if (!content) throw BadRequest{where(name) + ".value is missing"};
    auto bytes = bytes_of(*content, *format);
    if (!bytes) throw BadRequest{where(name) + ".value is not " + *format_name};
    return bytes;
}

std::optional<wire::AclList> Body::acl(const std::string& name) {
    const auto* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_array()) throw BadRequest{where(name) + " is not an array"};
    wire::AclList list;
    for (const auto& element : *value) {
        const auto at = where(name) + "[" + std::to_string(list.size()) + "]";
        if (!element.is_object()) throw BadRequest{at + " is not an object"};
        Body entry(element, at);
        auto scheme = entry.text("scheme");
        auto id = entry.text("id");
        const auto perms = entry.text("perms");
        entry.finish();
        if (!scheme || !id || !perms) throw BadRequest{at + " lacks scheme, id or perms"};
        const auto permissions = permissions_of(*perms);
        if (!permissions) throw BadRequest{at + ".perms is not of the letters cdrwa, each at most once"};
        list.push_back({.permissions = *permissions, .id = {.scheme = std::move(*scheme), .id = std::move(*id)}});
    }
    return list;
}

void Body::finish() const {
    for (const auto& [name, value] : object_.items())
        if (!taken_.contains(name)) throw BadRequest{"the body has an unknown member: " + where(name)};
}

}  // namespace zabd::server::admin
