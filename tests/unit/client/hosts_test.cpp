#include "client/hosts.hpp"

#include <catch2/catch.hpp>

using zabd::client::ConnectionString;
using zabd::client::Host;

TEST_CASE("a connection string names servers and a chroot", "[client]") {
    struct Case {
        std::string text;
        std::vector<Host> hosts;
        std::string chroot;
    };
    const auto c = GENERATE(values<Case>({
        {"a", {{"a", 2181}}, ""},
        {"a:1,b:65535", {{"a", 1}, {"b", 65535}}, ""},
        {"127.0.0.1:2182,[::1]:2183,[fe80::1]", {{"127.0.0.1", 2182}, {"::1", 2183}, {"fe80::1", 2181}}, ""},
        {"a,b/app/one", {{"a", 2181}, {"b", 2181}}, "/app/one"},
        {"a/", {{"a", 2181}}, ""},
    }));
    CAPTURE(c.text);
    const auto parsed = ConnectionString::parse(c.text);
    REQUIRE(parsed);
    CHECK(parsed->hosts == c.hosts);
    CHECK(parsed->chroot == c.chroot);
}

TEST_CASE("what is no connection string is refused with the part that is wrong", "[client]") {
    const auto* text = GENERATE("", ",", "a,", ":2181", "a:", "a:0", "a:65536", "a:21x", "::1", "[::1", "[::1]2181",
                                "[]", "a/app/", "a//app", "/app");
    CAPTURE(text);
    const auto parsed = ConnectionString::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().where.starts_with("connection string: "));
}
