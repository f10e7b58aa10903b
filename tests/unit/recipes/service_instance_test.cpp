#include "recipes/service_instance.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace zabd::recipes {

TEST_CASE("an instance is written as Curator's discovery writes it", "[recipes][service]") {
    const ServiceInstance instance{.name = "web",
                                   .id = "w1",
                                   .address = "10.0.0.1",
                                   .port = 80,
                                   .payload = R"({"@class":"app.Load","load":3})",
                                   .registered_ms = 1'700'000'000'000};
    const std::string text = R"({"name":"web","id":"w1","address":"10.0.0.1","port":80,"sslPort":null,)"
                             R"("payload":{"@class":"app.Load","load":3},"registrationTimeUTC":1700000000000,)"
                             R"("serviceType":"DYNAMIC","uriSpec":null})";
    CHECK(to_json(instance) == text);
    CHECK(parse_service_instance(text) == instance);
}

TEST_CASE("what an instance does not say has defaults, and what we do not know is read over", "[recipes][service]") {
    const auto instance = parse_service_instance(
        R"({"name":"web","id":"w1","address":null,"enabled":true,"sslPort":443,"uriSpec":{"parts":[]}})");
    const ServiceInstance expected{.name = "web", .id = "w1", .ssl_port = 443, .uri_spec = R"({"parts":[]})"};
    CHECK(instance == expected);
}

TEST_CASE("other data are no instance", "[recipes][service]") {
    for (const auto* text : {"", "web", "[]", "7", "null", R"({"name":"web"})", R"({"name":1,"id":"x"})",
                             R"({"name":"web","id":"w1","port":"80"})"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_service_instance(text));
    }
}

}  // namespace zabd::recipes
