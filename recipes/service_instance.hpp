// A service instance as JSON: what Curator's service discovery keeps in an instance's node.
//
//     {"name":"web","id":"6f..","address":"10.0.0.1","port":8080,"sslPort":null,"payload":null,
//      "registrationTimeUTC":1700000000000,"serviceType":"DYNAMIC","uriSpec":null}
//
// Effects   none.
// Payload   any JSON. Curator's Java wants an object's class in it as "@class"; strings and numbers go as they are.
// Unknown   members ("enabled" of Curator 4 and later) are read over, and absent ones have the defaults below.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::recipes {

struct ServiceInstance {
    std::string name{};     // of the service
    std::string id{};       // of the instance, unique in the service
    std::string address{};  // host name or address
    std::optional<std::int32_t> port{};
    std::optional<std::int32_t> ssl_port{};
    std::string payload = "null";          // JSON
    std::int64_t registered_ms = 0;        // since 1970
    std::string service_type = "DYNAMIC";  // STATIC and PERMANENT ones have no session
    std::string uri_spec = "null";         // JSON; Curator's parts of a URI

    friend bool operator==(const ServiceInstance&, const ServiceInstance&) = default;
};

/// Throws nlohmann::json::exception when payload or uri_spec are not JSON, or a text is not UTF-8.
[[nodiscard]] std::string to_json(const ServiceInstance& instance);

/// nullopt: no JSON, or not of a service instance.
[[nodiscard]] std::optional<ServiceInstance> parse_service_instance(std::string_view text);

}  // namespace zabd::recipes
