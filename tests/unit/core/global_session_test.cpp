// Sessions belong to the ensemble: kept alive, moved and ended whatever server their client is with.
#include "tests/unit/core/ensemble.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

namespace {

/// The session's client pings now and then.
void live(Ensemble& ensemble, Server& server, const Server::Session& session, Millis time) {
    for (; time > 0ms; time -= 1000ms) {
        ensemble.pass(1000ms);
        server.ask(session, -2, OpCode::kPing);
        REQUIRE(server.next_reply(session).header.xid == wire::kXidPing);
    }
}

}  // namespace

TEST_CASE("the leader ends silent sessions, and hears of the others by its learners", "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    auto& follower = ensemble[ensemble.follower()];
    const auto lively = follower.connect(6000);
    const auto silent = follower.connect(6000);
    REQUIRE(follower.create(lively, "/lively", CreateMode::kEphemeral) == ErrorCode::kOk);
    REQUIRE(follower.create(silent, "/silent", CreateMode::kEphemeral) == ErrorCode::kOk);
    live(ensemble, follower, lively, 12s);
    CHECK(follower.closed(silent));
    CHECK_FALSE(follower.closed(lively));
    CHECK(follower.data_of(lively, "/lively").has_value());
    CHECK_FALSE(follower.data_of(lively, "/silent").has_value());
    CHECK(ensemble[ensemble.leader()].core().status().sessions_expired == 1);
    CHECK(follower.core().status().sessions_expired == 0);
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-64: a new leader gives every session its full timeout", "[core][ensemble][session]") {
    auto options = default_options();
    options.hold_max = 30s;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    auto& follower = ensemble[ensemble.follower()];
    const auto away = ensemble[lead].connect(10'000);
    REQUIRE(ensemble[lead].create(away, "/e", CreateMode::kEphemeral) == ErrorCode::kOk);
    ensemble.pass(8s);
    ensemble.isolate(lead);
    REQUIRE(ensemble.elect());
    ensemble.pass(8s);
    const auto again = follower.reattach(away);
    CHECK(again.id == away.id);
    CHECK(follower.data_of(again, "/e").has_value());
}

TEST_CASE("Z-63: a session whose server is gone ends with its ephemerals, on every server",
          "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto lost = ensemble[lead].connect(6000);
    REQUIRE(ensemble[lead].create(lost, "/e", CreateMode::kEphemeral) == ErrorCode::kOk);
    ensemble.isolate(lead);
    REQUIRE(ensemble.elect());
    ensemble.pass(10s);
    auto& server = ensemble[ensemble.follower()];
    CHECK(server.core().status().ephemerals == 0);
    CHECK(server.core().status().sessions == 0);
    ensemble.rejoin(lead);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
}

TEST_CASE("a session is taken up again on any server, with its password", "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    const auto way = GENERATE(0, 1, 2);
    const auto from = way == 0 ? lead : at;
    const auto to = way == 0 ? at : way == 1 ? lead : ensemble.follower(at);
    const auto first = ensemble[from].connect();
    REQUIRE(ensemble[from].create(first, "/e", CreateMode::kEphemeral) == ErrorCode::kOk);

    auto thief = first;
    thief.password[0] ^= 1;
    CHECK(ensemble[to].reattach(thief).id == SessionId::kNone);
    CHECK(ensemble[from].create(first, "/still") == ErrorCode::kOk);

    const auto second = ensemble[to].reattach(first);
    CHECK(second.id == first.id);
    CHECK(ensemble[to].data_of(second, "/e").has_value());
    CHECK(ensemble[to].create(second, "/b") == ErrorCode::kOk);
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-66: what a session's earlier server still sends for it is refused", "[core][ensemble][session]") {
    const auto what = GENERATE(OpCode::kCreate, OpCode::kMulti, OpCode::kCloseSession);
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto from = ensemble.follower();
    const bool to_leader = GENERATE(true, false);
    const auto to = to_leader ? lead : ensemble.follower(from);
    const auto first = ensemble[from].connect();
    ensemble.delay(from, lead, true);
    switch (what) {
        case OpCode::kCreate: ensemble[from].ask(first, 9, OpCode::kCreate, Server::create_request("/late")); break;
        case OpCode::kMulti: {
            const auto body = wire::encoded(wire::MultiHeader{OpCode::kCreate, false, ErrorCode::kSystemError}) +
                              wire::encoded(Server::create_request("/late")) + wire::encoded(wire::kMultiEnd);
            ensemble[from].send(first.connection, wire::encoded(wire::RequestHeader{9, OpCode::kMulti}) + body);
            break;
        }
        default: ensemble[from].ask(first, 9, OpCode::kCloseSession);
    }
    const auto second = ensemble[to].reattach(first);
    REQUIRE(second.id == first.id);
    REQUIRE(ensemble[to].create(second, "/b") == ErrorCode::kOk);
    ensemble.delay(from, lead, false);
    CHECK(ensemble[to].data_of(second, "/late") == std::nullopt);
    CHECK(ensemble[from].closed(first));
    CHECK(ensemble[from].pending(first) == 0);
    CHECK_FALSE(ensemble[to].closed(second));
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-61: nothing is created through a follower for a session that is being closed",
          "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect(4000);
    const auto other = ensemble[lead].connect(40'000);
    REQUIRE(follower.create(session, "/before", CreateMode::kEphemeral) == ErrorCode::kOk);
    // Nobody's disk takes anything for a while: the session's end is proposed, not committed.
    for (const auto n : {1, 2, 3}) ensemble[n].set_disk_syncs(false);
    ensemble.pass(7s);
    follower.ask(session, 1, OpCode::kCreate, Server::create_request("/after", CreateMode::kEphemeral));
    for (const auto n : {1, 2, 3}) ensemble[n].set_disk_syncs(true);
    ensemble.pass(1s);
    CHECK(follower.closed(session));
    CHECK(ensemble[lead].data_of(other, "/before") == std::nullopt);
    CHECK(ensemble[lead].data_of(other, "/after") == std::nullopt);
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-64: a leader that hears no quorum ends no sessions", "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    auto& follower = ensemble[ensemble.follower()];
    const auto session = follower.connect(4000);
    REQUIRE(follower.create(session, "/a", CreateMode::kEphemeral) == ErrorCode::kOk);
    // Less than syncLimit: its followers' words come late, and nobody leaves.
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, n != lead);
    live(ensemble, follower, session, 8000ms);
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, false);
    ensemble.pass(2s);
    CHECK_FALSE(follower.closed(session));
    CHECK(follower.data_of(session, "/a") != std::nullopt);
}

TEST_CASE("Z-62: a session closed through a follower goes everywhere, with all its ephemerals",
          "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    auto& follower = ensemble[ensemble.follower()];
    const auto session = follower.connect();
    for (const auto path : {"/x", "/y", "/z"})
        REQUIRE(follower.create(session, path, CreateMode::kEphemeral) == ErrorCode::kOk);
    follower.ask(session, 4, OpCode::kCloseSession);
    CHECK(follower.next(session).header.error == ErrorCode::kOk);
    CHECK(follower.closed(session));
    for (const auto n : {1, 2, 3}) {
        CHECK(ensemble[n].core().status().ephemerals == 0);
        CHECK(ensemble[n].core().status().sessions == 0);
    }
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-65: that a session has ended is told once its end can be seen there", "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& leader = ensemble[ensemble.leader()];
    auto& follower = ensemble[at];
    const auto session = leader.connect();
    REQUIRE(leader.create(session, "/e", CreateMode::kEphemeral) == ErrorCode::kOk);
    follower.set_disk_syncs(false);
    leader.ask(session, 1, OpCode::kCloseSession);
    REQUIRE(leader.next(session).header.error == ErrorCode::kOk);
    const auto early = follower.reattach(session);
    CHECK_FALSE(follower.closed(early));
    CHECK(follower.pending(early) == 0);
    follower.set_disk_syncs(true);
    const auto reply = follower.connect_reply(early.connection);
    REQUIRE(reply);
    CHECK(reply->session == SessionId::kNone);
    CHECK(follower.core().status().ephemerals == 0);
}

TEST_CASE("Z-67: a server that starts again with its clock set back gives no session id twice",
          "[core][ensemble][session]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    const auto before = ensemble[at].connect(40'000);
    ensemble.restart(at);
    REQUIRE(ensemble.elect());
    const auto after = ensemble[at].connect(40'000);
    REQUIRE(after.id != SessionId::kNone);
    CHECK(static_cast<std::uint64_t>(after.id) > static_cast<std::uint64_t>(before.id));
    CHECK(static_cast<std::uint64_t>(after.id) >> 56 == static_cast<std::uint64_t>(at));
}

namespace {

Server::Session connect_read_only(Server& server, bool read_only, const Server::Session* again = nullptr) {
    wire::ConnectRequest request;
    request.timeout_ms = 20'000;
    request.read_only = read_only;
    std::string password(16, '\0');
    if (again) {
        request.session = again->id;
        password.assign(again->password.data(), again->password.size());
    }
    request.password = password;
    return server.connect(request);
}

}  // namespace

TEST_CASE("without a leader clients that asked for it may read", "[core][ensemble][read-only]") {
    auto options = default_options();
    options.read_only_enabled = true;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& server = ensemble[at];
    const auto writer = server.connect(20'000);
    const auto reader = connect_read_only(server, true);
    REQUIRE(server.create(writer, "/a", {}, "1") == ErrorCode::kOk);
    ensemble.isolate(at);
    server.ask(reader, 1, OpCode::kGetData, wire::ReadRequest{"/a", false});
    CHECK(server.pending(reader) == 0);
    ensemble.pass(2100ms);
    CHECK(server.core().status().state == core::ServerState::kReadOnly);
    CHECK(server.closed(writer));
    CHECK(server.next(reader).as<wire::DataReply>().data == "1");
    CHECK(server.create(reader, "/b") == ErrorCode::kNotReadOnly);

    CHECK(server.closed(connect_read_only(server, false)));
    const auto sessions = server.core().status().sessions;
    const auto local = connect_read_only(server, true);
    CHECK(local.id != SessionId::kNone);
    CHECK(server.core().status().sessions == sessions);
    CHECK(server.data_of(local, "/a") == "1");
    server.ask(local, 3, OpCode::kSync, wire::NullablePathRequest{"/"});
    CHECK(server.next(local).header.error == ErrorCode::kNotReadOnly);

    ensemble.rejoin(at);
    REQUIRE(ensemble.elect());
    CHECK_FALSE(server.closed(reader));
    CHECK(server.create(reader, "/b") == ErrorCode::kOk);
    CHECK(server.closed(local));
    const auto again = connect_read_only(server, true, &local);
    CHECK(again.id == local.id);
    CHECK(server.create(again, "/e", CreateMode::kEphemeral) == ErrorCode::kOk);
    CHECK(ensemble.same_state());
}
