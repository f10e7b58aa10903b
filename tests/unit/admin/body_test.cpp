// Requests are taken apart strictly: what is not understood is refused, with words that say what.
#include "server/admin/body.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace zabd::server::admin {
namespace {

using Catch::Matchers::Contains;

/// What the caller is told; empty: nothing is wrong.
template <class Action>
std::string complaint(Action action) {
    try {
        action();
        return "";
    } catch (const BadRequest& wrong) {
        return wrong.message;
    }
}

TEST_CASE("a body's members are given out by name and type", "[admin][body]") {
    Body body(R"({"flag": true, "number": -3, "text": "a\u0000b", "data": {"format": "hex", "value": "00ff"},
                  "acl": [{"scheme": "digest", "id": "ben:x", "perms": "rw"}]})");
    CHECK(body.flag("flag") == true);
    CHECK(body.number("number", -5, 5) == -3);
    CHECK(body.text("text") == std::string("a\0b", 3));
    CHECK(body.data("data") == std::string("\x00\xff", 2));
    const wire::AclList acl{{.permissions = wire::kRead | wire::kWrite, .id = {.scheme = "digest", .id = "ben:x"}}};
    CHECK(body.acl("acl") == acl);
    CHECK_FALSE(body.text("absent"));
    CHECK(complaint([&] { body.finish(); }).empty());
}

TEST_CASE("a body that is no object of known members is refused", "[admin][body]") {
    struct Case {
        std::string text, complaint;
    };
    const auto c = GENERATE(values<Case>({
        {"", "not JSON"},
        {"{", "not JSON"},
        {"{} {}", "not JSON"},
        {"\xff", "not JSON"},
        {"{\"a\": \"\xff\"}", "not JSON"},
        {"[]", "not a JSON object"},
        {"null", "not a JSON object"},
        {R"({"text": "a", "text": "b"})", "twice: text"},
        {R"({"data": {"format": "text", "value": "a", "value": "b"}})", "twice: value"},
        {R"({"unknown": 1})", "unknown member: unknown"},
        {R"({"data": {"format": "text", "value": "a", "size": 1}})", "unknown member: data.size"},
        {R"({"acl": [{"scheme": "world", "id": "anyone", "perms": "r", "extra": 1}]})", "acl[0].extra"},
        {"{\"unknown\": " + std::string(100, '[') + std::string(100, ']') + "}", "too deeply"},
        {"{\"unknown\": " + std::string(1 << 20, '['), "too deeply"},
    }));
    CAPTURE(c.text.substr(0, 80));
    const auto told = complaint([&] {
        Body body(c.text);
        static_cast<void>(body.text("text"));
        static_cast<void>(body.data("data"));
        static_cast<void>(body.acl("acl"));
        body.finish();
    });
    CHECK_THAT(told, Contains(c.complaint));
}

TEST_CASE("a member of another type or out of range is refused", "[admin][body]") {
    const auto json =
        GENERATE(as<std::string>(), "1.5", "\"1\"", "null", "true", "6", "-6", "18446744073709551615", "1e2", "[]");
    CAPTURE(json);
    Body body("{\"n\": " + json + "}");
    CHECK_THAT(complaint([&] { static_cast<void>(body.number("n", -5, 5)); }), Contains("n is not"));
}

TEST_CASE("data and ACLs that are none are refused", "[admin][body]") {
    struct Case {
        std::string text, complaint;
    };
    const auto c = GENERATE(values<Case>({
        {R"({"data": "a"})", "data is not an object"},
        {R"({"data": null})", "data is not an object"},
        {R"({"data": {"value": "a"}})", "data.format is not"},
        {R"({"data": {"format": "auto", "value": "a"}})", "data.format is not"},
        {R"({"data": {"format": "text"}})", "data.value is missing"},
        {R"({"data": {"format": "text", "value": 1}})", "data.value is not a string"},
        {R"({"data": {"format": "hex", "value": "0"}})", "data.value is not hex"},
        {R"({"data": {"format": "json", "value": "{"}})", "data.value is not json"},
        {R"({"acl": {}})", "acl is not an array"},
        {R"({"acl": [1]})", "acl[0] is not an object"},
        {R"({"acl": [{"scheme": "world", "id": "anyone"}]})", "acl[0] lacks"},
        {R"({"acl": [{"scheme": "world", "id": "anyone", "perms": "z"}]})", "acl[0].perms"},
    }));
    CAPTURE(c.text);
    Body body(c.text);
    const auto told = complaint([&] {
        static_cast<void>(body.data("data"));
        static_cast<void>(body.acl("acl"));
    });
    CHECK_THAT(told, Contains(c.complaint));
}

TEST_CASE("parameters are checked like members", "[admin][body]") {
    net::HttpRequest request;
    request.query = {{"yes", "true"}, {"bare", ""}, {"no", "false"}, {"n", "17"},
                     {"bad", "1x"},   {"two", "1"}, {"two", "2"}};
    Parameters parameters(request);
    CHECK(parameters.flag("yes"));
    CHECK(parameters.flag("bare"));
    CHECK_FALSE(parameters.flag("no"));
    CHECK_FALSE(parameters.flag("absent"));
    CHECK(parameters.number("n", 0, 17) == 17);
    CHECK_FALSE(parameters.number("absent", 0, 1));
    CHECK_THAT(complaint([&] { static_cast<void>(parameters.number("n", 0, 16)); }), Contains("from 0 to 16"));
    CHECK_THAT(complaint([&] { static_cast<void>(parameters.flag("n")); }), Contains("neither true nor false"));
    CHECK_THAT(complaint([&] { static_cast<void>(parameters.text("two")); }), Contains("twice"));
    CHECK_THAT(complaint([&] { parameters.finish(); }), Contains("unknown parameter: bad"));
    CHECK_THAT(complaint([&] { static_cast<void>(parameters.number("bad", 0, 9)); }), Contains("bad is not"));
    CHECK(complaint([&] { parameters.finish(); }).empty());
}

}  // namespace
}  // namespace zabd::server::admin
