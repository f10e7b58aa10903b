#include "znode/path.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <string>

using namespace zabd::znode;
using namespace std::string_literals;

TEST_CASE("a path is legal or not by ZooKeeper's rules", "[znode][path]") {
    struct Case {
        const char* name;
        std::string path;
        bool legal;
    };
    const auto c = GENERATE(values<Case>({
        {"the root", "/", true},
        {"a node at the top", "/a", true},
        {"components", "/a/b/c", true},
        {"spaces", "/ /a b", true},
        {"letters of two bytes", "/\xc3\xa4", true},
        {"letters of three bytes", "/\xe2\x82\xac", true},
        {"one dot within a name", "/.a/a./a.b", true},
        {"three dots", "/...", true},
        {"two dots before a letter", "/..a", true},
        {"nothing", "", false},
        {"relative", "a", false},
        {"relative with a slash", "a/b", false},
        {"a slash at the end", "/a/", false},
        {"an empty component", "/a//b", false},
        {"two slashes alone", "//", false},
        {"a component that is a dot", "/a/./b", false},
        {"a component that is two dots", "/a/..", false},
        {"NUL", "/a\0b"s, false},
        {"lowest control character", "/\x01", false},
        {"highest low control character", "/\x1f", false},
        {"the space after them", "/\x20", true},
        {"DEL", "/\x7f", false},
        {"highest control character, U+009F", "/\xc2\x9f", false},
        {"the no-break space after it, U+00A0", "/\xc2\xa0", true},
        {"last before the surrogates, U+D7FF", "/\xed\x9f\xbf", true},
        {"a surrogate, U+D800", "/\xed\xa0\x80", false},
        {"private use, U+E000", "/\xee\x80\x80", false},
        {"end of private use, U+F8FF", "/\xef\xa3\xbf", false},
        {"the character after it, U+F900", "/\xef\xa4\x80", true},
        {"last before the specials, U+FFEF", "/\xef\xbf\xaf", true},
        {"first special, U+FFF0", "/\xef\xbf\xb0", false},
        {"replacement character, U+FFFD", "/\xef\xbf\xbd", false},
        {"outside the basic plane, U+1F600", "/\xf0\x9f\x98\x80", false},
        {"a lone continuation byte", "/\x80", false},
        {"a sequence cut short by the end", "/\xe2\x82", false},
        {"a sequence cut short by a slash", "/\xc3/a", false},
        {"an overlong slash", "/\xc0\xaf", false},
        {"an overlong letter of three bytes", "/\xe0\x81\x81", false},
        {"no lead byte at all", "/\xff", false},
    }));
    CAPTURE(c.name);
    CHECK(valid_path(c.path) == c.legal);
}

TEST_CASE("create and delete first ask for a slash and against NUL only", "[znode][path]") {
    CHECK(loosely_valid_path("/"));
    CHECK(loosely_valid_path("x/"));
    CHECK(loosely_valid_path("//.."));
    CHECK_FALSE(loosely_valid_path(""));
    CHECK_FALSE(loosely_valid_path("x"));
    CHECK_FALSE(loosely_valid_path("/a\0"s));
}

TEST_CASE("four paths are special", "[znode][path]") {
    for (const auto path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) CHECK(special_path(path));
    for (const auto path : {"", "/zookeeper/", "/zookeeper/quota/a", "/zookeeper/foo", "/a"})
        CHECK_FALSE(special_path(path));
}

TEST_CASE("a path comes apart at its last slash", "[znode][path]") {
    CHECK(parent_path("/a/b") == "/a");
    CHECK(parent_path("/a") == "/");
    CHECK(parent_path("/") == "/");
    CHECK(parent_path("/a/") == "/a");
    CHECK(parent_path("/a//") == "/a/");
    CHECK(parent_path("x/y") == "x");
    CHECK(base_name("/a/b") == "b");
    CHECK(base_name("/a") == "a");
    CHECK(base_name("/") == "");
}

TEST_CASE("a sequence suffix has at least ten characters, its sign among them", "[znode][path]") {
    CHECK(sequence_suffix(0) == "0000000000");
    CHECK(sequence_suffix(42) == "0000000042");
    CHECK(sequence_suffix(std::numeric_limits<std::int32_t>::max()) == "2147483647");
    CHECK(sequence_suffix(-1) == "-000000001");
    CHECK(sequence_suffix(std::numeric_limits<std::int32_t>::min()) == "-2147483648");
}
