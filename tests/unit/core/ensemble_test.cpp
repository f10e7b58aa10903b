// Servers that follow each other: whatever server a client asks, it is one service.
#include "tests/unit/core/ensemble.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

namespace {

std::size_t children(Server& server, const Server::Session& session, std::string_view path) {
    server.ask(session, 77, OpCode::kGetChildren, wire::ReadRequest{path, false});
    return server.next_reply(session).as<wire::NamesReply>().names.size();
}

}  // namespace

TEST_CASE("three servers elect one, and all serve", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
    const auto follower = ensemble.follower();
    const auto status = ensemble[follower].core().status();
    CHECK(status.leader == ServerId{static_cast<std::uint8_t>(ensemble.leader())});
    CHECK(status.elections == 1);
    CHECK(ensemble[ensemble.leader()].core().status().followers_synced == 2);
    CHECK(ensemble[ensemble.leader()].count(core::Event::Kind::kRole, "leading epoch=1") == 1);
    CHECK(ensemble[follower].count(core::Event::Kind::kRole, "following leader=") == 1);
}

TEST_CASE("Z-26: nobody is answered before a quorum follows", "[core][ensemble]") {
    auto options = default_options();
    options.hold_max = 60s;
    Ensemble ensemble(3, options);
    ensemble.isolate(1);
    const auto early = ensemble[1].connect();
    ensemble.pass(3s);
    CHECK(early.id == SessionId::kNone);
    CHECK_FALSE(ensemble[1].connect_reply(early.connection));
    CHECK_FALSE(ensemble[1].closed(early));
    ensemble.rejoin(1);
    REQUIRE(ensemble.elect());
    CHECK(ensemble[1].connect_reply(early.connection));
}

TEST_CASE("a write through a follower is answered there, once, and seen everywhere", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    auto& follower = ensemble[ensemble.follower()];
    const auto session = follower.connect();
    REQUIRE(session.id != SessionId::kNone);
    CHECK(follower.create(session, "/a", {}, "1") == ErrorCode::kOk);
    CHECK(follower.create(session, "/a") == ErrorCode::kNodeExists);
    CHECK(follower.pending(session) == 0);
    CHECK(follower.data_of(session, "/a") == "1");
    CHECK(ensemble.same_state());

    auto& leader = ensemble[ensemble.leader()];
    const auto other = leader.connect();
    CHECK(leader.data_of(other, "/a") == "1");
}

TEST_CASE("Z-43: through a follower a session's requests are answered in their order", "[core][ensemble][order]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect();
    REQUIRE(follower.create(session, "/a", {}, "0") == ErrorCode::kOk);
    ensemble.delay(ensemble.leader(), at, true);
    follower.ask(session, 1, OpCode::kSetData, wire::SetDataRequest{"/a", "1", -1});
    follower.ask(session, 2, OpCode::kGetData, wire::ReadRequest{"/a", false});
    follower.ask(session, 3, OpCode::kSync, wire::NullablePathRequest{"/a"});
    follower.ask(session, 4, OpCode::kSetData, wire::SetDataRequest{"/a", "2", -1});
    follower.ask(session, 5, OpCode::kGetData, wire::ReadRequest{"/a", false});
    CHECK(follower.pending(session) == 0);
    ensemble.delay(ensemble.leader(), at, false);
    CHECK(follower.next(session).header.xid == 1);
    CHECK(follower.next(session).as<wire::DataReply>().data == "1");
    CHECK(follower.next(session).header.xid == 3);
    CHECK(follower.next(session).header.xid == 4);
    CHECK(follower.next(session).as<wire::DataReply>().data == "2");
}

TEST_CASE("a forwarded write is judged by its client's identities", "[core][ensemble][auth]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    auto& follower = ensemble[ensemble.follower()];
    const auto owner = follower.connect();
    const auto other = follower.connect();
    follower.ask(owner, -4, OpCode::kAuth, wire::AuthRequest{0, "digest", "bob:pw"});
    follower.next(owner);
    const wire::AclList own{{wire::kAllPermissions, {"auth", ""}}};
    follower.ask(owner, 1, OpCode::kCreate, wire::CreateRequest{"/own", "", own, {}});
    REQUIRE(follower.next(owner).header.error == ErrorCode::kOk);
    follower.ask(other, 1, OpCode::kSetData, wire::SetDataRequest{"/own", "x", -1});
    CHECK(follower.next(other).header.error == ErrorCode::kNoAuth);
    follower.ask(owner, 2, OpCode::kSetData, wire::SetDataRequest{"/own", "x", -1});
    CHECK(follower.next(owner).header.error == ErrorCode::kOk);
}

TEST_CASE("Z-35: a sync through a follower is answered once that has applied what the leader had", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    auto& leader = ensemble[ensemble.leader()];
    const auto reader = follower.connect();
    const auto writer = leader.connect();
    REQUIRE(leader.create(writer, "/a", {}, "0") == ErrorCode::kOk);
    // The follower's disk lags: it has the commit, and may not apply what it could lose.
    follower.set_disk_syncs(false);
    leader.ask(writer, 1, OpCode::kSetData, wire::SetDataRequest{"/a", "1", -1});
    CHECK(leader.next(writer).header.error == ErrorCode::kOk);
    CHECK(follower.data_of(reader, "/a") == "0");
    follower.ask(reader, 1, OpCode::kSync, wire::NullablePathRequest{"/a"});
    follower.ask(reader, 2, OpCode::kGetData, wire::ReadRequest{"/a", false});
    CHECK(follower.pending(reader) == 0);
    follower.set_disk_syncs(true);
    CHECK(follower.next(reader).header.xid == 1);
    CHECK(follower.next(reader).as<wire::DataReply>().data == "1");
}

TEST_CASE("Z-35: syncs of a leader's own clients and of its learners' need a quorum that follows", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    auto& leader = ensemble[lead];
    const auto session = leader.connect();
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, n != lead);
    for (const Xid xid : {1, 2, 3}) leader.ask(session, xid, OpCode::kSync, wire::NullablePathRequest{"/"});
    CHECK(leader.pending(session) == 0);
    const auto follower = ensemble.follower();
    ensemble.delay(follower, lead, false);
    for (const Xid xid : {1, 2, 3}) CHECK(leader.next(session).header.xid == xid);
}

TEST_CASE("linearizable reads wait for a quorum's confirmation, in their order", "[core][ensemble]") {
    auto options = default_options();
    options.linearizable_reads = true;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = GENERATE(0, 1);
    auto& server = ensemble[at == 0 ? lead : ensemble.follower()];
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a", {}, "0") == ErrorCode::kOk);
    CHECK(server.data_of(session, "/a") == "0");
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, n != lead);
    for (const Xid xid : {1, 2, 3}) server.ask(session, xid, OpCode::kGetData, wire::ReadRequest{"/a", false});
    CHECK(server.pending(session) == 0);
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, false);
    for (const Xid xid : {1, 2, 3}) CHECK(server.next(session).header.xid == xid);
}

TEST_CASE("Z-43: what waits for a sync does not see its session's later write", "[core][ensemble][order]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const bool at_leader = GENERATE(true, false);
    auto& server = ensemble[at_leader ? lead : ensemble.follower()];
    const auto session = server.connect();
    REQUIRE(server.create(session, "/a", {}, "0") == ErrorCode::kOk);
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, n != lead);
    server.ask(session, 1, OpCode::kSync, wire::NullablePathRequest{"/a"});
    server.ask(session, 2, OpCode::kGetData, wire::ReadRequest{"/a", false});
    server.ask(session, 3, OpCode::kSetData, wire::SetDataRequest{"/a", "1", -1});
    server.ask(session, 4, OpCode::kSync, wire::NullablePathRequest{"/a"});
    server.ask(session, 5, OpCode::kSetData, wire::SetDataRequest{"/a", "2", -1});
    for (const auto n : {1, 2, 3}) ensemble.delay(n, lead, false);
    CHECK(server.next(session).header.xid == 1);
    CHECK(server.next(session).as<wire::DataReply>().data == "0");
    for (const Xid xid : {3, 4, 5}) CHECK(server.next(session).header.xid == xid);
    CHECK(server.data_of(session, "/a") == "2");
}

TEST_CASE("on a full disk a leader refuses forwarded writes too", "[core][ensemble][space]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    auto& follower = ensemble[ensemble.follower()];
    const auto session = follower.connect();
    follower.set_log_room(0);  // its leader decides
    CHECK(follower.create(session, "/a") == ErrorCode::kOk);
    ensemble[ensemble.leader()].set_log_room(default_options().log_reserve_bytes);
    CHECK(follower.create(session, "/b") == ErrorCode::kSystemError);
    CHECK(follower.data_of(session, "/b") == std::nullopt);
}

TEST_CASE("a follower pauses clients while too much of theirs is not answered", "[core][ensemble][bounds]") {
    auto options = default_options();
    options.outstanding_max = 10;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect();
    ensemble.delay(ensemble.leader(), at, true);
    for (Xid xid = 1; xid <= 11; ++xid)
        follower.ask(session, xid, OpCode::kSetData, wire::SetDataRequest{"/", "x", -1});
    CHECK(follower.paused(session));
    ensemble.delay(ensemble.leader(), at, false);
    CHECK_FALSE(follower.paused(session));
    CHECK(follower.pending(session) == 11);
}

TEST_CASE("every server tells the same configuration, outside of the digest", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    for (const auto n : {1, 2, 3}) {
        const auto session = ensemble[n].connect();
        CHECK(ensemble[n].data_of(session, "/zookeeper/config") == "server.1=one:2:3:participant\nversion=0");
    }
    CHECK(ensemble.same_state());
}

TEST_CASE("a member that was away catches up, and after a restart everything is there", "[core][ensemble]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto away = ensemble.follower();
    const auto session = ensemble[lead].connect(40'000);
    REQUIRE(ensemble[lead].create(session, "/a") == ErrorCode::kOk);
    ensemble.isolate(away);
    for (int n = 0; n < 20; ++n)
        REQUIRE(ensemble[lead].create(session, "/a/n", CreateMode::kPersistentSequential) == ErrorCode::kOk);
    ensemble.rejoin(away);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
    for (const auto n : {1, 2, 3}) ensemble.restart(n);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
    auto& server = ensemble[ensemble.leader()];
    const auto again = server.reattach(session);
    CHECK(children(server, again, "/a") == 20);
}
