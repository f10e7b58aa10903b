// What searches find, and that no pattern takes long.
#include "server/admin/search_pattern.hpp"

#include "server/admin/body.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

namespace zabd::server::admin {
namespace {

TEST_CASE("patterns find what they say", "[admin][search]") {
    struct Case {
        std::string pattern;
        Match match;
        std::string text;
        bool found;
    };
    using enum Match;
    const auto c = GENERATE(values<Case>({
        {"Lock", kSubstring, "my-lock-1", true},
        {"a.c", kSubstring, "abc", false},
        {"(", kSubstring, "f(x)", true},
        {"\xc3\x9c", kSubstring, "gr\xc3\xbcn", true},
        {"lock-*", kGlob, "LOCK-17", true},
        {"lock", kGlob, "lock-17", false},
        {"lock-?", kGlob, "lock-17", false},
        {"lock-??", kGlob, "lock-17", true},
        {"?", kGlob, "\xc3\xbc", true},
        {"/a/*", kGlob, "/a/b", true},
        {"/a/*", kGlob, "/a/b/c", false},
        {"/a/**", kGlob, "/a/b/c", true},
        {"/**/c", kGlob, "/a/b/c", true},
        {"[ab]x", kGlob, "bx", true},
        {"[!ab]x", kGlob, "bx", false},
        {"[!ab]x", kGlob, "cx", true},
        {"[0-9]", kGlob, "7", true},
        {"[]]", kGlob, "]", true},
        {"[^]", kGlob, "[^]", true},
        {"a[", kGlob, "a[", true},
        {"\\*", kGlob, "*", true},
        {"\\*", kGlob, "x", false},
        {"a+b.c$", kGlob, "a+b.c$", true},
        {"[[:alpha:]]", kGlob, "a]", true},
        {"^lock-\\d+$", kRegex, "lock-17", true},
        {"Lock", kRegex, "lock", false},
        {"(?i)Lock", kRegex, "lock", true},
        {"a.b", kRegex, "a\nb", true},
    }));
    CAPTURE(c.pattern, c.text);
    CHECK(SearchPattern(c.pattern, c.match).matches(c.text) == c.found);
}

TEST_CASE("what is no pattern is refused", "[admin][search]") {
    const auto pattern = GENERATE(as<std::string>(), "", "(", "[z-a]", "a{2000}", "(?P<", "\\1", "(?=a)", "\xff",
                                  std::string(1001, 'a'), "((((a{99}){99}){99}){99})");
    CAPTURE(pattern);
    CHECK_THROWS_AS(SearchPattern(pattern, Match::kRegex), BadRequest);
    CHECK_THROWS_AS(SearchPattern("[z-a]", Match::kGlob), BadRequest);
}

TEST_CASE("a pattern that backtracks elsewhere takes no time here", "[admin][search]") {
    const SearchPattern pattern("^(a+)+$|(a|aa)+$|(.*a){20}$", Match::kRegex);
    const auto text = std::string(100'000, 'a') + "b";
    const auto began = std::chrono::steady_clock::now();
    CHECK_FALSE(pattern.matches(text));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
}

}  // namespace
}  // namespace zabd::server::admin
