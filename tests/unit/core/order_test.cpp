#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::ErrorCode;
using wire::OpCode;

namespace {

void set(Server& server, const Server::Session& session, Xid xid, std::string_view path, std::string_view data) {
    server.ask(session, xid, OpCode::kSetData, wire::SetDataRequest{path, data, -1});
}

void get(Server& server, const Server::Session& session, Xid xid, std::string_view path, bool watch = false) {
    server.ask(session, xid, OpCode::kGetData, wire::ReadRequest{path, watch});
}

}  // namespace

TEST_CASE("nothing is answered before it is durable", "[core][order]") {
    Server server;
    const auto session = server.connect();
    server.set_disk_syncs(false);
    server.ask(session, 7, OpCode::kCreate, Server::create_request("/a"));
    CHECK(server.pending(session) == 0);
    server.sync_disk();
    CHECK(server.next(session).header.xid == 7);
}

TEST_CASE("a read waits for its session's writes before it, and sees none behind it", "[core][order]") {
    Server server;
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a", {}, "0") == ErrorCode::kOk);
    server.set_disk_syncs(false);
    set(server, session, 1, "/a", "1");
    get(server, session, 2, "/a");
    set(server, session, 3, "/a", "2");
    get(server, session, 4, "/a");
    CHECK(server.pending(session) == 0);
    server.sync_disk();
    CHECK(server.next(session).header.xid == 1);
    CHECK(server.next(session).as<wire::DataReply>().data == "1");
    CHECK(server.next(session).header.xid == 3);
    CHECK(server.next(session).as<wire::DataReply>().data == "2");
}

TEST_CASE("another session's read does not wait", "[core][order]") {
    Server server;
    const auto writer = server.connect();
    const auto reader = server.connect();
    REQUIRE(server.create(writer, "/a", {}, "0") == ErrorCode::kOk);
    server.set_disk_syncs(false);
    set(server, writer, 1, "/a", "1");
    CHECK(server.data_of(reader, "/a") == "0");
}

TEST_CASE("sync waits until what was proposed before it is applied", "[core][order]") {
    Server server;
    const auto writer = server.connect();
    const auto reader = server.connect();
    REQUIRE(server.create(writer, "/a", {}, "0") == ErrorCode::kOk);
    server.set_disk_syncs(false);
    set(server, writer, 1, "/a", "1");
    server.ask(reader, 8, OpCode::kSync, wire::NullablePathRequest{"/a"});
    get(server, reader, 9, "/a");
    CHECK(server.pending(reader) == 0);
    server.sync_disk();
    CHECK(server.next(reader).as<wire::PathReply>().path == "/a");
    CHECK(server.next(reader).as<wire::DataReply>().data == "1");
}

TEST_CASE("sync and reads take no zxid, failed writes and empty multis do", "[core][order]") {
    Server server;
    const auto session = server.connect();
    const auto zxid = [&] { return server.core().status().zxid_applied.value; };
    const auto before = zxid();
    server.ask(session, 1, OpCode::kSync, wire::NullablePathRequest{"/"});
    get(server, session, 2, "/");
    CHECK(zxid() == before);
    server.ask(session, 3, OpCode::kDelete, wire::VersionedRequest{"/missing", -1});
    CHECK(zxid() == before + 1);
    server.ask(session, 4, OpCode::kMulti, wire::kMultiEnd);
    CHECK(zxid() == before + 2);
}

TEST_CASE("the event of one's own write comes before its reply", "[core][order][watch]") {
    Server server;
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a") == ErrorCode::kOk);
    get(server, session, 1, "/a", true);
    server.next(session);
    set(server, session, 2, "/a", "1");
    const auto event = server.next(session);
    REQUIRE(event.is_event());
    CHECK(event.as<wire::WatcherEvent>().type == wire::EventType::kNodeDataChanged);
    const auto reply = server.next(session);
    CHECK(reply.header.xid == 2);
    CHECK(reply.header.zxid == event.header.zxid);
}

TEST_CASE("Z-72: a read that shows a change comes after its event", "[core][order][watch]") {
    Server server;
    const auto writer = server.connect();
    const auto reader = server.connect();
    REQUIRE(server.create(writer, "/a", {}, "0") == ErrorCode::kOk);
    get(server, reader, 1, "/a", true);
    CHECK(server.next(reader).as<wire::DataReply>().data == "0");
    set(server, writer, 1, "/a", "1");
    get(server, reader, 2, "/a");
    CHECK(server.next(reader).is_event());
    CHECK(server.next(reader).as<wire::DataReply>().data == "1");
}

TEST_CASE("an auth packet is answered at once and counts for what comes behind it", "[core][order][auth]") {
    Server server;
    const auto session = server.connect();
    server.set_disk_syncs(false);
    server.ask(session, 1, OpCode::kCreate, Server::create_request("/a"));
    server.ask(session, -4, OpCode::kAuth, wire::AuthRequest{0, "digest", "bob:pw"});
    const auto reply = server.next(session);
    CHECK(reply.header.xid == -4);
    CHECK(reply.header.zxid == Zxid{});
    CHECK(reply.header.error == ErrorCode::kOk);
    CHECK(server.pending(session) == 0);
}

TEST_CASE("a refused auth packet ends the connection but not the session", "[core][auth]") {
    Server server;
    const auto session = server.connect();
    server.ask(session, -4, OpCode::kAuth, wire::AuthRequest{0, "nonsense", "x"});
    CHECK(server.next(session).header.error == ErrorCode::kAuthFailed);
    CHECK(server.closed(session));
    CHECK(server.reattach(session).id == session.id);
}

TEST_CASE("an unknown operation is answered as such and ends the connection", "[core]") {
    const auto op = GENERATE(999, 0, 10, 13, 20, -1, -10);
    Server server;
    const auto session = server.connect();
    server.ask(session, 5, static_cast<OpCode>(op));
    const auto reply = server.next(session);
    CHECK(reply.header.xid == 5);
    CHECK(reply.header.zxid == kZxidUnknown);
    CHECK(reply.header.error == ErrorCode::kUnimplemented);
    CHECK(server.closed(session));
    CHECK(server.reattach(session).id == session.id);
}

TEST_CASE("a client that asks for too much at once is paused until it is answered", "[core][bounds]") {
    auto options = default_options();
    options.outstanding_max = 10;
    Server server(options);
    const auto session = server.connect();
    server.set_disk_syncs(false);
    for (Xid xid = 1; xid <= 10; ++xid) set(server, session, xid, "/", "x");
    CHECK_FALSE(server.paused(session));
    set(server, session, 11, "/", "x");
    CHECK(server.paused(session));
    server.sync_disk();
    CHECK_FALSE(server.paused(session));
    CHECK(server.pending(session) == 11);
}

TEST_CASE("a connection's watches and identities are bounded", "[core][bounds]") {
    auto options = default_options();
    options.watches_max = 2;
    options.identities_max = 3;  // its address is the first
    Server server(options);
    const auto session = server.connect();
    const auto watch = [&](std::string_view path) {
        server.ask(session, 1, OpCode::kExists, wire::ReadRequest{path, true});
        return server.next(session).header.error;
    };
    CHECK(watch("/a") == ErrorCode::kNoNode);
    CHECK(watch("/b") == ErrorCode::kNoNode);
    CHECK(watch("/c") == ErrorCode::kSystemError);
    server.ask(session, 2, OpCode::kSetWatches, wire::SetWatchesRequest{Zxid{}, {}, {"/d"}, {}});
    CHECK(server.next(session).header.error == ErrorCode::kSystemError);
    const auto authenticate = [&](std::string_view user) {
        server.ask(session, -4, OpCode::kAuth, wire::AuthRequest{0, "digest", user});
        return server.next(session).header.error;
    };
    CHECK(authenticate("a:1") == ErrorCode::kOk);
    CHECK(authenticate("b:1") == ErrorCode::kOk);
    CHECK(authenticate("c:1") == ErrorCode::kAuthFailed);
}

TEST_CASE("a multiRead gathers only so much", "[core][bounds]") {
    Server server;
    const auto session = server.connect();
    const std::string large(1'000'000, 'x');
    REQUIRE(server.create(session, "/large", {}, large) == ErrorCode::kOk);
    std::string operations;
    for (int i = 0; i < 100; ++i) {
        operations += wire::encoded(wire::MultiHeader{OpCode::kGetData, false, ErrorCode::kSystemError});
        operations += wire::encoded(wire::ReadRequest{"/large", false});
    }
    operations += wire::encoded(wire::kMultiEnd);
    server.send(session.connection, wire::encoded(wire::RequestHeader{9, OpCode::kMultiRead}) + operations);
    const auto reply = server.next(session);
    CHECK(reply.header.error == ErrorCode::kSystemError);
    CHECK(reply.body.empty());
}

TEST_CASE("what waits on a connection that is closed meanwhile is dropped, and its writes still commit", "[core]") {
    Server server;
    const auto session = server.connect();
    server.set_disk_syncs(false);
    server.ask(session, 1, OpCode::kCreate, Server::create_request("/a"));
    get(server, session, 2, "/a");
    server.ask(session, 3, OpCode::kCreate, Server::create_request("/b"));
    server.ask(session, 4, OpCode::kSync, wire::NullablePathRequest{"/"});
    server.ask(session, 5, static_cast<OpCode>(999));
    CHECK(server.next(session).header.error == ErrorCode::kUnimplemented);
    CHECK(server.core().status().outstanding == 0);
    server.set_disk_syncs(true);
    CHECK(server.pending(session) == 0);
    const auto again = server.reattach(session);
    CHECK(server.data_of(again, "/a").has_value());
    CHECK(server.data_of(again, "/b").has_value());
    server.core().check_invariants();
}

TEST_CASE("N-13: the answer to a client that is gone goes nowhere", "[core]") {
    Server server;
    const auto gone = server.connect();
    server.set_disk_syncs(false);
    server.ask(gone, 1, OpCode::kCreate, Server::create_request("/a"));
    server.disconnect(gone.connection);
    server.sync_disk();
    CHECK(server.pending(gone) == 0);
    CHECK(server.core().status().outstanding == 0);
    server.set_disk_syncs(true);
    const auto again = server.reattach(gone);
    CHECK(server.data_of(again, "/a").has_value());
    server.core().check_invariants();
}

TEST_CASE("the same inputs give the same bytes", "[core][determinism]") {
    const auto run = [] {
        Server server;
        const auto a = server.connect();
        const auto b = server.connect();
        server.ask(b, 1, OpCode::kAddWatch, wire::AddWatchRequest{"/", wire::AddWatchMode::kPersistentRecursive});
        for (int i = 0; i < 200; ++i) {
            server.ask(a, i, OpCode::kCreate, Server::create_request("/n-", wire::CreateMode::kEphemeralSequential));
            server.advance(1ms);
        }
        server.ask(a, 999, OpCode::kCloseSession);
        return std::pair(server.transcript(), server.core().status().digest);
    };
    CHECK(run() == run());
}
