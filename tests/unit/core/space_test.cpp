// A disk that is full: what is refused, what is not, and what follows when space returns.
#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::ErrorCode;
using wire::OpCode;

namespace {

core::Options options_with_reserve() {
    auto options = default_options();
    options.log_reserve_bytes = 64 << 10;
    options.log_overhead_bytes_max = 5000;
    return options;
}

const std::uint64_t kReserve = options_with_reserve().log_reserve_bytes;

void ask_create(Server& server, const Server::Session& session, Xid xid, std::string_view path) {
    server.ask(session, xid, OpCode::kCreate, Server::create_request(path));
}

}  // namespace

TEST_CASE("S-14: on a full disk writes are refused, in their turn, and nothing of them is logged", "[core][space]") {
    Server server(options_with_reserve());
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a", {}, "0") == ErrorCode::kOk);

    server.set_disk_syncs(false);
    ask_create(server, session, 1, "/b");
    server.set_log_room(0);
    const auto logged = server.log().size();
    ask_create(server, session, 2, "/c");
    server.ask(session, 3, OpCode::kExists, wire::ReadRequest{"/b", false});
    CHECK(server.log().size() == logged);
    CHECK(server.pending(session) == 0);
    server.sync_disk();

    CHECK(server.next(session).header.error == ErrorCode::kOk);
    const auto refused = server.next(session);
    CHECK(refused.header.xid == 2);
    CHECK(refused.header.error == ErrorCode::kSystemError);
    CHECK(server.next(session).header.error == ErrorCode::kOk);
    CHECK(server.core().status().writes_refused == 1);
}

TEST_CASE("S-14: on a full disk reads are answered and sessions live on, close and expire", "[core][space]") {
    Server server(options_with_reserve());
    const auto session = server.connect();
    const auto idle = server.connect(4000);
    REQUIRE(server.create(session, "/a", {}, "0") == ErrorCode::kOk);
    REQUIRE(server.create(idle, "/e", wire::CreateMode::kEphemeral) == ErrorCode::kOk);
    server.set_log_room(kReserve);

    CHECK(server.create(session, "/b") == ErrorCode::kSystemError);
    CHECK(server.data_of(session, "/a") == "0");
    CHECK(server.connect().id != SessionId::kNone);
    for (int n = 0; n < 4; ++n) {
        server.advance(2s);
        server.ask(session, -2, OpCode::kPing);
        CHECK(server.next(session).header.error == ErrorCode::kOk);
    }
    CHECK(server.data_of(session, "/e") == std::nullopt);
    server.ask(session, 9, OpCode::kCloseSession);
    CHECK(server.next(session).header.error == ErrorCode::kOk);
}

TEST_CASE("S-14: what is in flight counts against the room, so nothing is taken that it does not hold",
          "[core][space]") {
    Server server(options_with_reserve());
    const auto session = server.connect();
    server.set_disk_syncs(false);
    server.set_log_room(kReserve + 3 * 5200);
    for (Xid xid = 1; xid <= 5; ++xid) ask_create(server, session, xid, "/n" + std::to_string(xid));
    server.sync_disk();
    int granted = 0;
    for (Xid xid = 1; xid <= 5; ++xid) granted += server.next(session).header.error == ErrorCode::kOk;
    CHECK(granted == 3);
}

TEST_CASE("S-14: writes go on by themselves when space returns", "[core][space]") {
    Server server(options_with_reserve());
    const auto session = server.connect();
    server.set_log_room(0);
    CHECK(server.create(session, "/a") == ErrorCode::kSystemError);
    server.set_log_room(core::kUnlimitedRoom);
    CHECK(server.create(session, "/a") == ErrorCode::kOk);
}

TEST_CASE("S-14: without room for a session's end no new one is opened", "[core][space]") {
    Server server(options_with_reserve());
    server.set_log_room(kReserve / 8);
    const auto session = server.connect();
    CHECK(session.id == SessionId::kNone);
    CHECK(server.closed(session));
}

TEST_CASE("clients that come again and again while the disk hangs are held back, then turned away", "[core][space]") {
    auto options = default_options();
    options.outstanding_max = 10;
    Server server(options);
    server.set_disk_syncs(false);
    for (int n = 0; n < 100; ++n) {
        const auto session = server.connect();
        if (!server.closed(session)) server.disconnect(session.connection);
    }
    CHECK(server.log().size() == 2 * options.outstanding_max + 1);
    server.sync_disk();
    server.set_disk_syncs(true);
    CHECK(server.connect().id != SessionId::kNone);
}
