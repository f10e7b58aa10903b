#include "recipes/service_instance.hpp"

#include <nlohmann/json.hpp>

namespace zabd::recipes {

namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<std::int32_t>& number) { return number ? Json(*number) : Json(); }

/// The member's value, or `absent` where it is missing or null.
template <class T>
T value_of(const Json& object, const char* name, T absent) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? absent : found->get<T>();
}

std::optional<std::int32_t> number_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::nullopt;
    return found->get<std::int32_t>();
}

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? "null" : found->dump();
}

}  // namespace

std::string to_json(const ServiceInstance& instance) {
    const Json json{
        {"name", instance.name},
        {"id", instance.id},
        {"address", instance.address},
        {"port", or_null(instance.port)},
        {"sslPort", or_null(instance.ssl_port)},
        {"payload", Json::parse(instance.payload)},
        {"registrationTimeUTC", instance.registered_ms},
        {"serviceType", instance.service_type},
        {"uriSpec", Json::parse(instance.uri_spec)},
    };
    return json.dump();
}

std::optional<ServiceInstance> parse_service_instance(std::string_view text) try {
    const auto json = Json::parse(text);
    return ServiceInstance{
        .name = json.at("name").get<std::string>(),
        .id = json.at("id").get<std::string>(),
        .address = value_of<std::string>(json, "address", ""),
        .port = number_of(json, "port"),
        .ssl_port = number_of(json, "sslPort"),
        .payload = text_of(json, "payload"),
        .registered_ms = value_of<std::int64_t>(json, "registrationTimeUTC", 0),
        .service_type = value_of<std::string>(json, "serviceType", "DYNAMIC"),
        .uri_spec = text_of(json, "uriSpec"),
    };
} catch (const nlohmann::json::exception&) {
    return std::nullopt;
}

}  // namespace zabd::recipes
