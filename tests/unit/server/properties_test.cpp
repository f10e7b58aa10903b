#include "server/properties.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::server;

TEST_CASE("a line of a properties file is a key and a value", "[server][properties]") {
    struct Case {
        const char* name;
        std::string text, key, value;
    };
    const auto c = GENERATE(values<Case>({
        {"equals", "a=b", "a", "b"},
        {"colon", "a:b", "a", "b"},
        {"blank", "a b", "a", "b"},
        {"blanks around", "  a  =  b  ", "a", "b"},
        {"tab", "\ta\tb\t", "a", "b"},
        {"only the first separator separates", "a=b=c:d e", "a", "b=c:d e"},
        {"no value", "a=", "a", ""},
        {"no separator", "a", "a", ""},
        {"an escaped separator is part of the key", "a\\=b\\:c\\ d=e", "a=b:c d", "e"},
        {"escapes", "a=\\t\\n\\\\x\\q", "a", "\t\n\\xq"},
        {"unicode", "a=\\u0041\\u00e9\\u20ac", "a", "A\xc3\xa9\xe2\x82\xac"},
        {"continued", "a=b\\\n   c", "a", "bc"},
        {"continued twice", "a=b\\\n c\\\r\n d", "a", "bcd"},
        {"an even number of backslashes does not continue", "a=b\\\\", "a", "b\\"},
        {"continued at the end of the file", "a=b\\", "a", "b"},
        {"a comment's sign inside a value", "a=b#c", "a", "b#c"},
        {"carriage return and line feed", "a=b\r\n", "a", "b"},
        {"trailing blanks are dropped", "a=b \t ", "a", "b"},
    }));
    CAPTURE(c.name);
    const auto properties = parse_properties(c.text, "zoo.cfg");
    REQUIRE(properties);
    REQUIRE(properties->size() == 1);
    CHECK(properties->front().key == c.key);
    CHECK(properties->front().value == c.value);
    CHECK(properties->front().line == 1);
}

TEST_CASE("comments and empty lines say nothing, but count", "[server][properties]") {
    const auto properties = parse_properties("# one\n\n  ! two\\\na=1\\\n  2\n\t\nb=3", "zoo.cfg");
    REQUIRE(properties);
    REQUIRE(properties->size() == 2);
    CHECK(properties->at(0).value == "12");
    CHECK(properties->at(0).line == 4);
    CHECK(properties->at(1).key == "b");
    CHECK(properties->at(1).line == 7);
}

TEST_CASE("a broken unicode escape is an error with its line", "[server][properties]") {
    const auto text = GENERATE(values<std::string>({"a=\\u12", "a=\\u12x4", "a=\\u", "a\\uzzzz=b"}));
    CAPTURE(text);
    const auto properties = parse_properties("x=1\n" + text, "zoo.cfg");
    REQUIRE_FALSE(properties);
    CHECK(properties.error().code == Errc::kBadConfig);
    CHECK(properties.error().where == "zoo.cfg:2: \\u must be followed by four hexadecimal digits");
}
