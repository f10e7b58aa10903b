// Requests byte by byte, beside those that were recorded from other clients (tests/vectors/client-vectors.json).
#include "client/request_maker.hpp"

#include "client/error.hpp"
#include "tests/unit/wire/hex.hpp"
#include "wire/requests.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>

using namespace zabd;
using namespace zabd::client;
using namespace std::chrono_literals;

namespace {

/// The n-th frame that the client sent in a recorded conversation, without its xid.
std::string recorded(const std::string& name, std::size_t n) {
    std::ifstream file(ZABD_SOURCE_DIR "/tests/vectors/client-vectors.json");
    static const auto kVectors = nlohmann::json::parse(file);
    for (const auto& vector : kVectors) {
        if (vector["name"] != name) continue;
        for (const auto& frame : vector["frames"]) {
            if (frame["dir"] == "C>S" && n-- == 0) return frame["hex"].get<std::string>().substr(8);
        }
    }
    return "not recorded";
}

std::string without_xid(const Request& request) { return wire::hex(request.frame).substr(8); }

}  // namespace

TEST_CASE("requests are as other clients make them", "[client]") {
    using Make = std::function<Request(const RequestMaker&)>;
    struct Case {
        const char* name;
        std::size_t frame;
        Make make;
    };
    const std::vector<Case> cases{
        {"create2", 0, [](auto& make) { return make.create("/c2", "data", {}); }},
        {"createContainer", 0, [](auto& make) { return make.create("/cont", "", {.mode = CreateMode::kContainer}); }},
        {"delete_ok", 1, [](auto& make) { return make.remove("/del", {}); }},
        {"delete_bad_version", 0, [](auto& make) { return make.remove("/v", {.version = 5}); }},
        {"exists_ok", 0, [](auto& make) { return make.exists("/v", {}); }},
        {"getData_ok", 0, [](auto& make) { return make.get("/v", {}); }},
        {"setData_ok", 0, [](auto& make) { return make.set("/v", "hello2", {}); }},
        {"setData_version_match", 0, [](auto& make) { return make.set("/v", "hello3", {.version = 1}); }},
        {"getACL_ok", 0, [](auto& make) { return make.get_acl("/v", {}); }},
        {"setACL_ok", 0, [](auto& make) { return make.set_acl("/v", open_acl(), {}); }},
        {"getChildren2_ok", 0, [](auto& make) { return make.children("/q", {}); }},
        {"getAllChildrenNumber_ok", 0, [](auto& make) { return make.count_descendants("/q", {}); }},
        {"getEphemerals_all", 0, [](auto& make) { return make.ephemerals("/", {}); }},
        {"sync_ok", 0, [](auto& make) { return make.sync("/v", {}); }},
        {"whoAmI_ip_only", 0, [](auto& make) { return make.who_am_i({}); }},
        {"auth_digest_ok", 0, [](auto& make) { return make.add_auth("digest", "bob:pw", {}); }},
        {"removeWatches_any_ok", 0, [](auto& make) { return make.remove_watches("/w", WatcherType::kAny, {}); }},
        {"reconfig_standalone", 0,
         [](auto& make) { return make.reconfig({.joining = {}, .leaving = "1", .members = {}}, {}); }},
    };
    const RequestMaker make("");
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto request = c.make(make);
        CHECK(!request.error);
        CHECK(without_xid(request) == recorded(c.name, c.frame));
    }
}

TEST_CASE("paths that cannot be are refused before they are asked", "[client]") {
    const std::string path = GENERATE("", "a", "/a/", "//", std::string("/a\0b", 4));
    const RequestMaker make("");
    CHECK(make.get(path, {}).error == Errc::kBadArguments);
    CHECK(make.create(path, "", {}).error == Errc::kBadArguments);
    CHECK(make.multi(Multi().check(path), {}).error == Errc::kBadArguments);
    CHECK(make.multi_read(MultiRead().get(path), {}).error == Errc::kBadArguments);
}

TEST_CASE("only modes that have a time to live take one", "[client]") {
    const RequestMaker make("");
    CHECK(make.create("/a", "", {.ttl = 1s}).error == Errc::kBadArguments);
    const auto timed = make.create("/a", "", {.mode = CreateMode::kPersistentTtl, .ttl = 1s});
    CHECK(!timed.error);
    CHECK(timed.op == wire::OpCode::kCreateTtl);
    CHECK(make.multi(Multi().create("/a", "", {.ttl = 1s}), {}).error == Errc::kBadArguments);
}

TEST_CASE("every path goes below the chroot", "[client]") {
    const auto path_of = [](const Request& request) {
        return std::string(wire::decoded<wire::PathRequest>(std::string_view(request.frame).substr(8))->path);
    };
    const RequestMaker make("/app");
    CHECK(path_of(make.get("/a", {})) == "/app/a");
    CHECK(path_of(make.get("/", {})) == "/app");
    CHECK(path_of(make.create("/q/", "", {.mode = CreateMode::kPersistentSequential})) == "/app/q/");
    CHECK(path_of(make.create("/", "", {.mode = CreateMode::kEphemeralSequential})) == "/app/");
    const auto multi = make.multi(Multi().set("/a", "x"), {});
    CHECK(multi.frame.find("/app/a") != std::string::npos);
}
