#include "net/http_parser.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

using namespace zabd::net;

namespace {

constexpr HttpParser::Limits kLimits{.head_bytes_max = 512, .body_bytes_max = 32};
using State = HttpParser::State;

std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}
std::string post(const std::string& headers, const std::string& body) {
    return "POST /a HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

}  // namespace

TEST_CASE("a request's parts", "[net][http]") {
    struct Case {
        std::string bytes;
        std::function<bool(const HttpRequest&)> holds;
    };
    const auto c = GENERATE(values<Case>({
        {get("/a/b"),
         [](auto& r) { return r.method == "GET" && r.path == "/a/b" && r.query.empty() && r.body.empty(); }},
        {get("/a%20b%2Fc+d"), [](auto& r) { return r.path == "/a b/c+d"; }},
        {get("/%c3%A9"), [](auto& r) { return r.path == "/\xc3\xa9"; }},
        {get("/a?x=1&y=a%26b+c&x=2&&z"),
         [](auto& r) {
             return r.parameter("x") == "1" && r.query.count("x") == 2 && r.parameter("y") == "a&b c" &&
                    r.parameter("z") == "" && !r.parameter("w");
         }},
        {get("/a", "X-One:  two \r\nACCEPT: */*\r\n"),
         [](auto& r) { return r.header("x-one") == "two" && r.header("accept") == "*/*" && r.header("x") == ""; }},
        {post("Content-Length: 5\r\n", "hello"), [](auto& r) { return r.method == "POST" && r.body == "hello"; }},
        {post("Content-Length: 0\r\n", ""), [](auto& r) { return r.body.empty(); }},
        {post("Content-Length: 3\r\n", "abcGET / HTTP/1.1\r\n\r\n"), [](auto& r) { return r.body == "abc"; }},
        {"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", [](auto& r) { return r.method == "BREW"; }},
        {"GET /old HTTP/1.0\r\n\r\n", [](auto& r) { return r.path == "/old"; }},
    }));
    CAPTURE(c.bytes);
    const auto size = GENERATE_COPY(std::size_t{1}, std::size_t{7}, c.bytes.size());  // of what comes at a time
    HttpParser parser{kLimits};
    for (std::size_t at = 0; at < c.bytes.size() && parser.state() != State::kComplete; at += size) {
        parser.feed(std::string_view{c.bytes}.substr(at, size));
    }
    REQUIRE(parser.state() == State::kComplete);
    CHECK(c.holds(parser.take()));
}

TEST_CASE("requests that are refused, however their bytes come", "[net][http]") {
    struct Case {
        std::string bytes;
        unsigned status;
    };
    const auto c = GENERATE(values<Case>({
        {get("/a", "X: 1\r\nx: 1\r\n"), 400},
        {"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), 400},
        {post("Content-Length: 1\r\nContent-Length: 2\r\n", "a"), 400},
        {post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        {post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), 400},
        {post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411},
        {post("Transfer-Encoding: gzip\r\n", ""), 411},
        {post("Content-Length: -1\r\n", ""), 400},
        {post("Content-Length: 0x1\r\n", "a"), 400},
        {post("Content-Length: 33\r\n", ""), 413},
        {post("Content-Length: 99999999999999999999\r\n", ""), 400},
        {post("Content-Length: 1\r\nExpect: miracles\r\n", ""), 417},
        {"GET /a HTTP/1.1\r\n\r\n", 400},
        {"GET /a HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a\nHTTP/1.1\r\n\r\n", 400},
        {get("/a%"), 400},
        {get("/a%2"), 400},
        {get("/a%zz"), 400},
        {get("/a%00b"), 400},
        {get("/a#b"), 400},
        {get("/a?x=%"), 400},
        {get("/a", "Space : 1\r\n"), 400},
        {get("/a", "X: 1\nY: 2\r\n"), 400},
        {get("/a", "X: " + std::string(600, 'x') + "\r\n"), 431},
        {"GET /" + std::string(600, 'x') + " HTTP/1.1\r\n", 431},
        {std::string("\x16\x03\x01\x02\0\x01 hello of TLS\r\n\r\n", 23), 400},
    }));
    CAPTURE(c.bytes);
    const auto size = GENERATE_COPY(std::size_t{1}, c.bytes.size());
    HttpParser parser{kLimits};
    for (std::size_t at = 0; at < c.bytes.size() && parser.state() != State::kRefused; at += size) {
        parser.feed(std::string_view{c.bytes}.substr(at, size));
    }
    REQUIRE(parser.state() == State::kRefused);
    CHECK(parser.refusal().status == c.status);
}

TEST_CASE("a head that never ends is refused at its bound", "[net][http]") {
    HttpParser parser{kLimits};
    std::size_t fed = 0;
    for (; parser.state() == State::kHead && fed < 10'000; ++fed) parser.feed("x");
    CHECK(parser.state() == State::kRefused);
    CHECK(fed <= kLimits.head_bytes_max + 1);
}

TEST_CASE("a client that waits to be told to go on is seen to", "[net][http]") {
    HttpParser parser{kLimits};
    CHECK(parser.feed(post("Content-Length: 2\r\nExpect: 100-Continue\r\n", "")) == State::kBody);
    CHECK(parser.continue_wanted());
    CHECK(parser.feed("ab") == State::kComplete);
    CHECK(parser.take().body == "ab");
}
