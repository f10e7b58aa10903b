#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::ErrorCode;
using wire::OpCode;

TEST_CASE("a new session is answered once its transaction is durable", "[core][session]") {
    Server server;
    server.set_disk_syncs(false);
    const auto session = server.connect();
    CHECK(session.id == SessionId::kNone);  // no answer yet
    server.sync_disk();
    const auto reply = server.connect_reply(session.connection);
    REQUIRE(reply);
    CHECK(reply->timeout_ms == 10'000);
    CHECK(reply->session != SessionId::kNone);
    CHECK(reply->read_only == false);
}

TEST_CASE("the wanted timeout is clamped between the limits", "[core][session]") {
    const auto [wanted, granted] = GENERATE(table<std::int32_t, std::int32_t>(
        {{-1, 4000}, {0, 4000}, {4000, 4000}, {12'345, 12'345}, {40'000, 40'000}, {1'000'000, 40'000}}));
    Server server;
    CHECK(server.connect(wanted).timeout_ms == granted);
}

TEST_CASE("a reply to a connect request without the readOnly byte has none either", "[core][session]") {
    Server server;
    const auto id = server.open();
    wire::ConnectRequest old_client;
    old_client.timeout_ms = 5000;
    server.send_connect(id, old_client);
    const auto reply = server.connect_reply(id);
    REQUIRE(reply);
    CHECK_FALSE(reply->read_only.has_value());
}

TEST_CASE("a session is taken up again with its password only", "[core][session]") {
    Server server;
    const auto first = server.connect();

    SECTION("the right one moves it to the new connection and closes the old") {
        const auto second = server.reattach(first);
        CHECK(second.id == first.id);
        CHECK(second.password == first.password);
        CHECK(server.closed(first));
        CHECK(server.create(second, "/a") == ErrorCode::kOk);
    }
    SECTION("a wrong one is refused with zeros, and costs the rightful client nothing") {
        auto thief = first;
        thief.password[3] ^= 1;
        const auto refused = server.reattach(thief);
        CHECK(refused.id == SessionId::kNone);
        CHECK(refused.timeout_ms == 0);
        CHECK(server.closed(refused));
        CHECK_FALSE(server.closed(first));
        CHECK(server.create(first, "/a") == ErrorCode::kOk);
    }
    SECTION("after its end it is refused") {
        server.ask(first, 1, OpCode::kCloseSession);
        CHECK(server.next(first).header.error == ErrorCode::kOk);
        CHECK(server.closed(first));
        CHECK(server.reattach(first).id == SessionId::kNone);
    }
}

TEST_CASE("a client that has seen more than this server is closed without an answer", "[core][session]") {
    Server server;
    const auto first = server.connect();
    const auto ahead = server.reattach(first, Zxid{1'000'000});
    CHECK(server.closed(ahead));
    CHECK(server.pending(ahead) == 0);
    CHECK(server.reattach(first, kZxidUnknown).id == first.id);  // -1: nothing seen
}

TEST_CASE("a silent session ends between its timeout and a tick later, with its ephemerals", "[core][session]") {
    Server server;
    const auto watcher = server.connect(40'000);
    const auto silent = server.connect(6000);
    REQUIRE(server.create(silent, "/e", wire::CreateMode::kEphemeral) == ErrorCode::kOk);
    server.disconnect(silent.connection);

    for (auto waited = 0ms; waited < 6000ms; waited += 500ms) {
        server.advance(500ms);
        server.ask(watcher, -2, OpCode::kPing);
        CHECK(server.next(watcher).header.xid == wire::kXidPing);
    }
    CHECK(server.data_of(watcher, "/e").has_value());
    server.advance(2000ms);
    CHECK_FALSE(server.data_of(watcher, "/e").has_value());
    CHECK(server.reattach(silent).id == SessionId::kNone);
    CHECK(server.core().status().sessions_expired == 1);
}

TEST_CASE("pings keep a session alive", "[core][session]") {
    Server server;
    const auto session = server.connect(6000);
    for (int i = 0; i < 20; ++i) {
        server.advance(3000ms);
        server.ask(session, -2, OpCode::kPing);
        REQUIRE(server.next(session).header.error == ErrorCode::kOk);
    }
    CHECK(server.core().status().sessions == 1);
}

TEST_CASE("an expired session's connection is closed without a frame", "[core][session]") {
    Server server;
    const auto session = server.connect(4000);
    for (auto waited = 0ms; waited < 6000ms; waited += 1000ms) server.advance(1000ms);
    CHECK(server.closed(session));
    CHECK(server.pending(session) == 0);
}

TEST_CASE("Z-60: a machine that stood still ends no session", "[core][session]") {
    Server server;
    const auto session = server.connect(4000);
    server.advance(1h);
    CHECK_FALSE(server.closed(session));
    CHECK(server.create(session, "/a") == ErrorCode::kOk);
}

TEST_CASE("a session whose client left before the answer expires like any other", "[core][session]") {
    Server server;
    server.set_disk_syncs(false);
    const auto left = server.connect(4000);
    server.disconnect(left.connection);
    server.set_disk_syncs(true);
    CHECK(server.core().status().sessions == 1);
    for (auto waited = 0ms; waited < 6000ms; waited += 1000ms) server.advance(1000ms);
    CHECK(server.core().status().sessions == 0);
}

TEST_CASE("Z-61: a closing session creates nothing that would stay", "[core][session]") {
    Server server;
    server.set_disk_syncs(false);
    const auto id = server.open();
    wire::ConnectRequest request;
    request.timeout_ms = 10'000;
    server.send_connect(id, request);
    server.sync_disk();
    const auto reply = server.connect_reply(id);
    REQUIRE(reply);
    const Server::Session session{id, reply->session, reply->password, reply->timeout_ms};

    server.ask(session, 1, OpCode::kCreate, Server::create_request("/before", wire::CreateMode::kEphemeral));
    server.ask(session, 2, OpCode::kCloseSession);
    server.ask(session, 3, OpCode::kCreate, Server::create_request("/after", wire::CreateMode::kEphemeral));
    server.sync_disk();
    CHECK(server.next(session).header.xid == 1);
    CHECK(server.next(session).header.xid == 2);
    CHECK(server.pending(session) == 0);
    CHECK(server.core().status().ephemerals == 0);
    server.core().check_invariants();
}

TEST_CASE("requests that come right behind the connect request are answered behind its reply", "[core][session]") {
    Server server;
    server.set_disk_syncs(false);
    const auto id = server.open();
    wire::ConnectRequest request;
    request.timeout_ms = 10'000;
    server.send_connect(id, request);
    const Server::Session session{id, {}, {}, 0};
    server.ask(session, 1, OpCode::kCreate, Server::create_request("/a"));
    server.ask(session, 2, OpCode::kExists, wire::ReadRequest{"/a", false});
    server.ask(session, 3, OpCode::kDelete, wire::VersionedRequest{"/a", -1});
    server.set_disk_syncs(true);
    REQUIRE(server.connect_reply(id));
    for (const Xid xid : {1, 2, 3}) {
        const auto reply = server.next(session);
        CHECK(reply.header.xid == xid);
        CHECK(reply.header.error == ErrorCode::kOk);
    }
}

TEST_CASE("Z-67: a clock set back gives no session id twice", "[core][session]") {
    auto options = default_options();
    Server before(options);
    const auto old = before.connect();
    auto after = Server::recovered_from(before);
    CHECK(static_cast<std::uint64_t>(after.connect().id) > static_cast<std::uint64_t>(old.id));
}

TEST_CASE("after a restart sessions live on with a full timeout", "[core][session]") {
    Server before;
    const auto session = before.connect(10'000);
    REQUIRE(before.create(session, "/e", wire::CreateMode::kEphemeral) == ErrorCode::kOk);
    auto after = Server::recovered_from(before);
    after.advance(9000ms);
    const auto again = after.reattach(session);
    CHECK(again.id == session.id);
    CHECK(after.data_of(again, "/e").has_value());
}
