#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core;
using namespace zabd::core::test;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

namespace {

Options audited() {
    auto options = default_options();
    options.audit = true;
    return options;
}

/// "create /a 0", one for each.
std::vector<std::string> told(const Server& server) {
    std::vector<std::string> all;
    for (const auto& one : server.audited()) {
        auto text = std::string(wire::name_of(one.op)) + " " + one.path + " " +
                    (one.unknown ? "?" : std::to_string(static_cast<int>(one.result)));
        if (one.address.empty()) text += " by itself";
        all.push_back(std::move(text));
    }
    return all;
}

}  // namespace

TEST_CASE("what clients change is told with who did and what became of it", "[core][audit]") {
    Server server(audited());
    const auto session = server.connect();
    CHECK(server.create(session, "/a") == ErrorCode::kOk);
    CHECK(server.create(session, "/a") == ErrorCode::kNodeExists);
    CHECK(server.create(session, "/a/s-", CreateMode::kPersistentSequential) == ErrorCode::kOk);
    server.ask(session, 2, OpCode::kSetData, wire::SetDataRequest{"/a", "x", 7});
    server.next_reply(session);
    CHECK(server.data_of(session, "/a") == "");  // a read is not told
    server.ask(session, 3, OpCode::kDelete, wire::VersionedRequest{"/a/s-0000000000", -1});
    server.next_reply(session);
    CHECK(told(server) == std::vector<std::string>{"createSession  0", "create /a 0", "create /a -110",
                                                   "create /a/s-0000000000 0", "setData /a -103",
                                                   "delete /a/s-0000000000 0"});
    for (const auto& one : server.audited()) {
        CHECK(one.session == session.id);
        CHECK(one.address == "127.0.0.1");
        CHECK(one.identities == std::vector<wire::Id>{{"ip", "127.0.0.1"}});
        CHECK(one.zxid > Zxid{});
    }
}

TEST_CASE("each operation of a multi is told", "[core][audit]") {
    Server server(audited());
    const auto session = server.connect();
    const auto multi = [&](std::string_view second) {
        const wire::AclList open{{wire::kAllPermissions, {"world", "anyone"}}};
        server.send(session.connection,
                    wire::encoded(wire::RequestHeader{5, OpCode::kMulti}) +
                        wire::encoded(wire::MultiHeader{OpCode::kCreate, false, ErrorCode::kSystemError}) +
                        wire::encoded(wire::CreateRequest{"/m", "", open, {}}) +
                        wire::encoded(wire::MultiHeader{OpCode::kDelete, false, ErrorCode::kSystemError}) +
                        wire::encoded(wire::VersionedRequest{second, -1}) + wire::encoded(wire::kMultiEnd));
        server.next_reply(session);
    };
    multi("/none");
    multi("/m");
    const auto all = told(server);
    REQUIRE(all.size() == 5);
    CHECK(all[1] == "create /m -2");  // nothing of a multi that failed has happened
    CHECK(all[2] == "delete /none -101");
    CHECK(all[3] == "create /m 0");
    CHECK(all[4] == "delete /m 0");
}

TEST_CASE("a session's end is told with what goes along, whoever ends it", "[core][audit]") {
    Server server(audited());
    const auto closes = server.connect(40'000);
    const auto expires = server.connect(4'000);
    REQUIRE(server.create(closes, "/closed", CreateMode::kEphemeral) == ErrorCode::kOk);
    REQUIRE(server.create(expires, "/expired", CreateMode::kEphemeral) == ErrorCode::kOk);
    const auto before = told(server).size();
    server.ask(closes, 9, OpCode::kCloseSession);
    server.disconnect(expires.connection);
    for (int i = 0; i < 10; ++i) server.advance(1000ms);
    const auto all = told(server);
    CHECK(std::vector(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()) ==
          std::vector<std::string>{"closeSession  0", "delete /closed 0 by itself", "closeSession  0 by itself",
                                   "delete /expired 0 by itself"});
}

TEST_CASE("what a client did not wait for is told as unknown", "[core][audit]") {
    Server server(audited());
    const auto session = server.connect();
    server.set_disk_syncs(false);
    server.ask(session, 1, OpCode::kCreate, Server::create_request("/late"));
    server.disconnect(session.connection);
    CHECK(told(server).back() == "create /late ?");
}

TEST_CASE("a wrong password is told", "[core][audit]") {
    Server server(audited());
    const auto session = server.connect();
    server.ask(session, -4, OpCode::kAuth, wire::AuthRequest{0, "no-such-scheme", "x"});
    CHECK(told(server).back() == "auth  -115");
}

TEST_CASE("without an audit log nothing is told", "[core][audit]") {
    Server server;
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a") == ErrorCode::kOk);
    CHECK(server.audited().empty());
}

TEST_CASE("a slow write is named with where its time went", "[core][audit]") {
    auto options = default_options();
    options.slow_request = 100ms;
    Server server(options);
    const auto session = server.connect();
    REQUIRE(server.create(session, "/fast") == ErrorCode::kOk);
    server.set_disk_syncs(false);
    server.ask(session, 1, OpCode::kCreate, Server::create_request("/slow"));
    server.advance(150ms);
    server.set_disk_syncs(true);
    REQUIRE(server.count(Event::Kind::kSlowRequest, "") == 1);
    CHECK(server.count(Event::Kind::kSlowRequest,
                       "op=create took_ms=150 queue_ms=0 fsync_ms=150 quorum_ms=0 path=/slow") == 1);
}
