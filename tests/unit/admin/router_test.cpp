#include "server/admin/router.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace zabd::server::admin;
using Strings = std::vector<std::string>;

namespace {

Router a_router() {
    Router router;
    for (const auto& [method, pattern] : std::vector<std::pair<std::string, std::string>>{
             {"GET", "/api/v1/tree*"},
             {"PUT", "/api/v1/tree*"},
             {"GET", "/api/v1/sessions"},
             {"GET", "/api/v1/sessions/*"},
             {"DELETE", "/api/v1/sessions/*"},
             {"GET", "/ui/*"},
             {"GET", "/ui/app.js"},
             {"GET", "/"},
         }) {
        router.add({.method = method, .pattern = pattern, .needs = Role::kReader, .handler = {}});
    }
    return router;
}

}  // namespace

TEST_CASE("the route that says the most is found", "[admin][router]") {
    struct Case {
        std::string method, path, pattern, rest;
    };
    const auto c = GENERATE(values<Case>({
        {"GET", "/api/v1/tree", "/api/v1/tree*", ""},
        {"GET", "/api/v1/tree/", "/api/v1/tree*", "/"},
        {"PUT", "/api/v1/tree/a/b", "/api/v1/tree*", "/a/b"},
        {"HEAD", "/api/v1/tree/a", "/api/v1/tree*", "/a"},
        {"GET", "/api/v1/sessions", "/api/v1/sessions", ""},
        {"DELETE", "/api/v1/sessions/0x1", "/api/v1/sessions/*", "0x1"},
        {"GET", "/ui/app.js", "/ui/app.js", ""},
        {"GET", "/ui/other.js", "/ui/*", "other.js"},
        {"GET", "/", "/", ""},
    }));
    CAPTURE(c.method, c.path);
    const auto router = a_router();
    const auto found = router.find(c.method, c.path);
    REQUIRE(found.route);
    CHECK(found.route->pattern == c.pattern);
    CHECK(found.route->method == (c.method == "HEAD" ? "GET" : c.method));
    CHECK(found.rest == c.rest);
    CHECK(found.allowed.empty());
}

TEST_CASE("a path without a route has no methods, one of other methods has those", "[admin][router]") {
    struct Case {
        std::string method, path;
        Strings allowed;
    };
    const auto c = GENERATE(values<Case>({
        {"GET", "/api/v1/treehouse", {}},
        {"GET", "/api/v1", {}},
        {"GET", "", {}},
        {"GET", "/x", {}},
        {"POST", "/api/v1/tree/a", {"GET", "HEAD", "PUT"}},
        {"DELETE", "/api/v1/sessions", {"GET", "HEAD"}},
        {"get", "/", {"GET", "HEAD"}},
        {"BREW", "/ui/app.js", {"GET", "HEAD"}},
    }));
    CAPTURE(c.method, c.path);
    const auto router = a_router();
    const auto found = router.find(c.method, c.path);
    CHECK(found.route == nullptr);
    CHECK(found.allowed == c.allowed);
}
