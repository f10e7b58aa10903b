#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

namespace {

const wire::AclList kOpen{{wire::kAllPermissions, {"world", "anyone"}}};

/// Lets time pass in ticks, with the session kept alive.
void pass(Server& server, const Server::Session& session, Millis time) {
    for (; time > 0ms; time -= 1000ms) {
        server.advance(1000ms);
        server.ask(session, -2, OpCode::kPing);
        server.next_reply(session);
    }
}

void create_container(Server& server, const Server::Session& session, std::string_view path) {
    server.ask(session, 1, OpCode::kCreateContainer, wire::CreateRequest{path, "", kOpen, CreateMode::kContainer});
    REQUIRE(server.next_reply(session).header.error == ErrorCode::kOk);
}

}  // namespace

TEST_CASE("a container goes some time after its last child", "[core][reaper]") {
    Server server;
    const auto session = server.connect(40'000);
    create_container(server, session, "/used");
    create_container(server, session, "/fresh");
    REQUIRE(server.create(session, "/used/child") == ErrorCode::kOk);
    pass(server, session, 61'000ms);
    CHECK(server.data_of(session, "/used").has_value());
    server.ask(session, 2, OpCode::kDelete, wire::VersionedRequest{"/used/child", -1});
    REQUIRE(server.next_reply(session).header.error == ErrorCode::kOk);
    pass(server, session, 61'000ms);
    CHECK_FALSE(server.data_of(session, "/used").has_value());
    CHECK(server.data_of(session, "/fresh").has_value());
}

TEST_CASE("a TTL node goes when it was not changed for its time, but not with children", "[core][reaper]") {
    Server server;
    const auto session = server.connect(40'000);
    for (const auto path : {"/ttl", "/parent"}) {
        server.ask(session, 1, OpCode::kCreateTtl,
                   wire::CreateTtlRequest{path, "", kOpen, CreateMode::kPersistentTtl, 30'000});
        REQUIRE(server.next_reply(session).header.error == ErrorCode::kOk);
    }
    REQUIRE(server.create(session, "/parent/child") == ErrorCode::kOk);
    pass(server, session, 40'000ms);
    server.ask(session, 2, OpCode::kSetData, wire::SetDataRequest{"/ttl", "again", -1});
    REQUIRE(server.next_reply(session).header.error == ErrorCode::kOk);
    pass(server, session, 21'000ms);
    CHECK(server.data_of(session, "/ttl") == "again");  // its clock began anew
    pass(server, session, 60'000ms);
    CHECK_FALSE(server.data_of(session, "/ttl").has_value());
    CHECK(server.data_of(session, "/parent").has_value());
}

TEST_CASE("deletions by the reaper are paced and are seen by watches", "[core][reaper]") {
    auto options = default_options();
    options.reaps_per_minute_max = 60;  // one a second
    Server server(options);
    const auto session = server.connect(40'000);
    for (const auto path : {"/a", "/b", "/c"}) {
        create_container(server, session, path);
        const auto child = std::string(path) + "/x";
        REQUIRE(server.create(session, child) == ErrorCode::kOk);
        server.ask(session, 2, OpCode::kDelete, wire::VersionedRequest{child, -1});
        server.next_reply(session);
    }
    server.ask(session, 3, OpCode::kExists, wire::ReadRequest{"/a", true});
    server.next_reply(session);
    server.advance(60'000ms - 1ms);
    server.ask(session, -2, OpCode::kPing);
    server.next_reply(session);
    const auto nodes = server.core().status().nodes;
    server.advance(1ms);
    CHECK(server.core().status().nodes == nodes - 1);
    CHECK(server.next(session).as<wire::WatcherEvent>().type == wire::EventType::kNodeDeleted);
    server.advance(1000ms);
    CHECK(server.core().status().nodes == nodes - 2);
}
