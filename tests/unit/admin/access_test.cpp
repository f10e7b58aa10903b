#include "server/admin/access.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::server;
using namespace zabd::server::admin;
using namespace std::chrono_literals;
using net::HttpRequest;

namespace {

// What `user:password` has become with SHA-1 and base64.
constexpr auto kAnn = "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=";      // ann:secret
constexpr auto kBen = "ben:JrcDkL0nFOjTUrA87vz0ufwsZwo=";      // ben:with:colons
constexpr auto kSuper = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=";  // super:secret
constexpr auto kOperatorToken = "an-operators-token";
constexpr auto kReaderToken = "a-readers-token-----";

Config open_config() { return {}; }

Config guarded_config() {
    Config config;
    config.admin.operator_token = kOperatorToken;
    config.admin.reader_token = kReaderToken;
    config.admin.operators = {kAnn};
    config.admin.readers = {kBen};
    config.super_digest = kSuper;
    return config;
}

HttpRequest request(std::string method = "GET", std::map<std::string, std::string> headers = {}) {
    HttpRequest made;
    made.method = std::move(method);
    made.path = "/api/v1/tree";
    made.remote_address = "127.0.0.1";
    made.headers = std::move(headers);
    made.headers.try_emplace("host", "localhost:8080");
    return made;
}

HttpRequest with(const std::string& authorization) { return request("GET", {{"authorization", authorization}}); }

const Refused& refused(const std::variant<Caller, Refused>& decision) {
    REQUIRE(std::holds_alternative<Refused>(decision));
    return std::get<Refused>(decision);
}
const Caller& caller(const std::variant<Caller, Refused>& decision) {
    REQUIRE(std::holds_alternative<Caller>(decision));
    return std::get<Caller>(decision);
}

constexpr Instant kNow{1'000'000ms};

}  // namespace

TEST_CASE("a request has to be for this server", "[admin][access]") {
    struct Case {
        std::string address, hosts, host;
        bool ours;
    };
    const auto c = GENERATE(values<Case>({
        {"127.0.0.1", "", "localhost", true},
        {"127.0.0.1", "", "LOCALHOST.:8080", true},
        {"127.0.0.1", "", "127.0.0.1:8080", true},
        {"127.0.0.1", "", "[::1]:8080", true},
        {"127.0.0.1", "", "evil.example:8080", false},
        {"127.0.0.1", "", "localhost.evil.example", false},
        {"127.0.0.1", "", "localhost:8080@evil.example", false},
        {"127.0.0.1", "", "127.0.0.1.evil.example", false},
        {"127.0.0.1", "", "10.0.0.1", false},
        {"127.0.0.1", "", "", false},
        {"127.0.0.1", "", ":8080", false},
        {"127.0.0.1", "", "[::1", false},
        {"127.0.0.1", "zk1.example", "ZK1.example:8443", true},
        {"127.0.0.1", "zk1.example", "zk2.example", false},
        {"10.0.0.1", "", "10.0.0.1:8080", true},
        {"10.0.0.1", "", "10.0.0.2:8080", false},
        {"zk1.example", "", "zk1.example", true},
        {"0.0.0.0", "", "10.0.0.2:8080", true},
        {"", "", "[fd00::1]:8080", true},
        {"", "", "evil.example", false},
    }));
    CAPTURE(c.address, c.hosts, c.host);
    Config config;
    config.admin.address = c.address;
    if (!c.hosts.empty()) config.admin.hosts = {c.hosts};
    const Access access{config};
    const auto answer = access.turned_away(request("GET", {{"host", c.host}}));
    CHECK(answer.has_value() != c.ours);
    if (answer) CHECK(answer->response.status == 421);
}

TEST_CASE("pages of other sites cannot call", "[admin][access]") {
    struct Case {
        std::string method, header, value;
        bool tls, fine;
    };
    const auto c = GENERATE(values<Case>({
        {"GET", "origin", "http://localhost:8080", false, true},
        {"GET", "origin", "https://localhost:8080", false, true},  // a proxy in front speaks TLS
        {"GET", "origin", "https://localhost:8080", true, true},
        {"GET", "origin", "http://localhost:8080", true, false},
        {"GET", "origin", "http://localhost:80", false, false},
        {"GET", "origin", "http://evil.example", false, false},
        {"GET", "origin", "null", false, false},
        {"GET", "origin", "file://localhost:8080", false, false},
        {"GET", "sec-fetch-site", "cross-site", false, true},  // a link to the page
        {"PUT", "sec-fetch-site", "same-origin", false, true},
        {"PUT", "sec-fetch-site", "none", false, true},
        {"PUT", "sec-fetch-site", "same-site", false, false},
        {"PUT", "sec-fetch-site", "cross-site", false, false},
        {"DELETE", "sec-fetch-site", "what", false, false},
    }));
    CAPTURE(c.method, c.header, c.value, c.tls);
    auto asked = request(c.method, {{c.header, c.value}});
    asked.tls = c.tls;
    const auto answer = Access{open_config()}.turned_away(asked);
    CHECK(answer.has_value() != c.fine);
    if (answer) CHECK(answer->response.status == 403);
}

TEST_CASE("without credentials everybody reads and nobody writes", "[admin][access]") {
    Access access{open_config()};
    CHECK(caller(access.caller_of(request(), Role::kReader, kNow)).role == Role::kReader);
    CHECK(caller(access.caller_of(with("Bearer anything"), Role::kReader, kNow)).user == "anonymous");
    const auto answer = access.caller_of(request("PUT", {{"x-zabd-request", "1"}}), Role::kOperator, kNow);
    CHECK(refused(answer).response.status == 403);
    CHECK(refused(answer).response.body.find("zabd.admin.operatorToken") != std::string::npos);
}

TEST_CASE("who has which role by what", "[admin][access]") {
    struct Case {
        std::string authorization;
        Role role;
        std::string user, digest;
        std::vector<wire::Id> identities;
    };
    const auto c = GENERATE(values<Case>({
        {std::string("Bearer ") + kOperatorToken, Role::kOperator, "token:operator", "", {}},
        {std::string("bearer ") + kReaderToken, Role::kReader, "token:reader", "", {}},
        {"Basic YW5uOnNlY3JldA==", Role::kOperator, "digest:ann", "ann:secret", {{"digest", kAnn}}},
        {"Basic YmVuOndpdGg6Y29sb25z", Role::kReader, "digest:ben", "ben:with:colons", {{"digest", kBen}}},
        {"basic c3VwZXI6c2VjcmV0",
         Role::kOperator,
         "digest:super",
         "super:secret",
         {{"super", ""}, {"digest", kSuper}}},
    }));
    CAPTURE(c.authorization);
    Access access{guarded_config()};
    const auto decision = access.caller_of(with(c.authorization), Role::kReader, kNow);
    const auto& who = caller(decision);
    CHECK(who.role == c.role);
    CHECK(who.user == c.user);
    CHECK(who.digest == c.digest);
    CHECK(who.identities == c.identities);
}

TEST_CASE("credentials that are missing or wrong", "[admin][access]") {
    const auto authorization = GENERATE(values<std::string>({
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "Bearer an-operators-toke",
        "Bearer an-operators-token2",
        "Bearer YW5uOnNlY3JldA==",
        "Basic YW5uOndyb25n",      // ann:wrong
        "Basic Y2FybDpzZWNyZXQ=",  // carl:secret
        "Basic YW5u",              // ann
        "Basic !!!",
        "Basic ====",
        "Basic Y=5u",
        "Basic YW5=OnNl",
        "Basic YW5\tOnNl",
        "Basic",
        "Digest x",
        "an-operators-token",
    }));
    CAPTURE(authorization);
    Access access{guarded_config()};
    const auto decision = access.caller_of(with(authorization), Role::kReader, kNow);
    CHECK(refused(decision).response.status == 401);
    CHECK(refused(decision).delay > 0ms);
    // The same for all, so that it tells nothing of which users there are.
    Access other{guarded_config()};
    const auto unknown = other.caller_of(with("Basic Y2FybDpzZWNyZXQ="), Role::kReader, kNow);
    CHECK(refused(decision).response.body == refused(unknown).response.body);
    CHECK(refused(decision).response.headers == refused(unknown).response.headers);
}

TEST_CASE("a browser is asked for credentials at once", "[admin][access]") {
    Access access{guarded_config()};
    const auto decision = access.caller_of(request(), Role::kReader, kNow);
    CHECK(refused(decision).response.status == 401);
    CHECK(refused(decision).delay == 0ms);
    const auto& headers = refused(decision).response.headers;
    REQUIRE(headers.size() == 1);
    CHECK(headers[0].first == "WWW-Authenticate");
    CHECK(headers[0].second.starts_with("Basic "));
}

TEST_CASE("health and the page ask for nothing", "[admin][access]") {
    Access access{guarded_config()};
    CHECK(caller(access.caller_of(request(), Role::kNobody, kNow)).role == Role::kNobody);
    CHECK(caller(access.caller_of(with("Bearer wrong"), Role::kNobody, kNow)).role == Role::kNobody);
}

TEST_CASE("a reader may not write", "[admin][access]") {
    Access access{guarded_config()};
    const auto asked =
        request("PUT", {{"authorization", std::string("Bearer ") + kReaderToken}, {"x-zabd-request", "1"}});
    CHECK(refused(access.caller_of(asked, Role::kOperator, kNow)).response.status == 403);
}

TEST_CASE("what a write has to have", "[admin][access]") {
    struct Case {
        std::string request_header, content_type, body;
        unsigned status;  // 0: fine
    };
    const auto c = GENERATE(values<Case>({
        {"1", "application/json", "{}", 0},
        {"1", "Application/JSON ; charset=utf-8", "{}", 0},
        {"1", "", "", 0},
        {"", "application/json", "{}", 403},
        {"2", "application/json", "{}", 403},
        {"1", "", "{}", 415},
        {"1", "text/plain", "{}", 415},
        {"1", "application/x-www-form-urlencoded", "a=b", 415},
    }));
    CAPTURE(c.request_header, c.content_type, c.body);
    auto asked = request("PUT", {{"authorization", std::string("Bearer ") + kOperatorToken}});
    if (!c.request_header.empty()) asked.headers["x-zabd-request"] = c.request_header;
    if (!c.content_type.empty()) asked.headers["content-type"] = c.content_type;
    asked.body = c.body;
    Access access{guarded_config()};
    const auto decision = access.caller_of(asked, Role::kOperator, kNow);
    if (c.status == 0) {
        CHECK(caller(decision).role == Role::kOperator);
    } else {
        CHECK(refused(decision).response.status == c.status);
    }
}

TEST_CASE("who fails again and again waits longer, who is right never does", "[admin][access]") {
    Access access{guarded_config()};
    auto last = 0ms;
    for (int round = 0; round < 20; ++round) {
        const auto decision = access.caller_of(with("Bearer wrong"), Role::kReader, kNow);
        CHECK(refused(decision).delay >= last);
        last = refused(decision).delay;
    }
    CHECK(last == Access::kDelayMax);
    auto elsewhere = with("Bearer wrong");
    elsewhere.remote_address = "10.0.0.9";
    CHECK(refused(access.caller_of(elsewhere, Role::kReader, kNow)).delay < 100ms);

    const auto later = kNow + Access::kForgetAfter + 1ms;
    CHECK(refused(access.caller_of(with("Bearer wrong"), Role::kReader, later)).delay < 100ms);

    for (int round = 0; round < 20; ++round) (void)access.caller_of(with("Bearer wrong"), Role::kReader, later);
    (void)caller(access.caller_of(with(std::string("Bearer ") + kReaderToken), Role::kReader, later));
    CHECK(refused(access.caller_of(with("Bearer wrong"), Role::kReader, later)).delay < 100ms);
}

TEST_CASE("with digests switched off a user has a role but no identity", "[admin][access]") {
    auto config = guarded_config();
    config.digest_enabled = false;
    Access access{config};
    const auto decision = access.caller_of(with("Basic YW5uOnNlY3JldA=="), Role::kReader, kNow);
    CHECK(caller(decision).role == Role::kOperator);
    CHECK(caller(decision).identities.empty());
    CHECK(caller(decision).digest.empty());
}
