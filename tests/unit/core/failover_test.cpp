// What clients see when the leader is lost: nothing, then answers; each write happens once or not at all.
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

core::Options patient_options() {
    auto options = default_options();
    options.hold_max = 30s;
    return options;
}

std::size_t children(Server& server, const Server::Session& session, std::string_view path) {
    server.ask(session, 77, OpCode::kGetChildren, wire::ReadRequest{path, false});
    return server.next_reply(session).as<wire::NamesReply>().names.size();
}

void ask_sequential(Server& server, const Server::Session& session, Xid xid) {
    server.ask(session, xid, OpCode::kCreate, Server::create_request("/q/n", CreateMode::kPersistentSequential));
}

void watch(Server& server, const Server::Session& session, std::string_view path) {
    server.ask(session, 99, OpCode::kExists, wire::ReadRequest{path, true});
    server.next_reply(session);
}

}  // namespace

TEST_CASE("Z-44: a follower's requests are answered once by the new leader, whatever the old one made of them",
          "[core][ensemble][failover]") {
    enum class Lost { kRequest, kProposal, kCommit };
    const auto lost = GENERATE(Lost::kRequest, Lost::kProposal, Lost::kCommit);
    Ensemble ensemble(3, patient_options());
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    const auto third = ensemble.follower(at);
    auto& follower = ensemble[at];
    const auto session = follower.connect(20'000);
    REQUIRE(follower.create(session, "/q") == ErrorCode::kOk);

    if (lost == Lost::kRequest) ensemble.delay(at, lead, true);
    if (lost == Lost::kProposal)
        for (const auto n : {at, third}) ensemble.delay(lead, n, true);
    if (lost == Lost::kCommit) ensemble.delay(lead, at, true);
    for (const Xid xid : {1, 2, 3}) ask_sequential(follower, session, xid);
    follower.ask(session, 4, OpCode::kSync, wire::NullablePathRequest{"/q"});
    follower.ask(session, 5, OpCode::kGetChildren, wire::ReadRequest{"/q", false});
    CHECK(follower.pending(session) == 0);

    ensemble.delay(at, third, true);
    ensemble.isolate(lead);
    ask_sequential(follower, session, 6);
    CHECK(follower.pending(session) == 0);
    for (const auto n : {at, third})
        for (const auto m : {lead, at, third}) ensemble.delay(n, m, false), ensemble.delay(m, n, false);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);

    REQUIRE_FALSE(follower.closed(session));
    for (const Xid xid : {1, 2, 3, 4}) {
        const auto reply = follower.next(session);
        CHECK(reply.header.xid == xid);
        CHECK(reply.header.error == ErrorCode::kOk);
    }
    CHECK(follower.next(session).as<wire::NamesReply>().names.size() == 3);
    CHECK(follower.next(session).header.xid == 6);
    CHECK(follower.pending(session) == 0);
    CHECK(children(follower, session, "/q") == 4);

    ensemble.rejoin(lead);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
}

TEST_CASE("Z-44: nor is a request executed twice when only the follower's link broke", "[core][ensemble][failover]") {
    const bool delivered = GENERATE(true, false);
    const bool committed = GENERATE(true, false);
    Ensemble ensemble(3, patient_options());
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect(20'000);
    REQUIRE(follower.create(session, "/q") == ErrorCode::kOk);
    const auto third = ensemble.follower(at);
    ensemble[third].set_disk_syncs(committed);
    ensemble.delay(delivered ? lead : at, delivered ? at : lead, true);
    for (const Xid xid : {1, 2}) ask_sequential(follower, session, xid);
    ensemble.isolate(at);
    ensemble.rejoin(at);
    ensemble.delay(lead, at, false);
    ensemble.delay(at, lead, false);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);
    for (const Xid xid : {1, 2}) CHECK(follower.next(session).header.xid == xid);
    CHECK(children(follower, session, "/q") == 2);
    ensemble[third].set_disk_syncs(true);
    ensemble.pass(100ms);
    CHECK(ensemble.same_state());
}

TEST_CASE("a leader that stepped down answers nothing until it serves again", "[core][ensemble][failover]") {
    Ensemble ensemble(3, patient_options());
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    auto& leader = ensemble[lead];
    const auto session = leader.connect(40'000);
    REQUIRE(leader.create(session, "/q") == ErrorCode::kOk);
    ensemble.isolate(lead);
    ask_sequential(leader, session, 1);
    leader.ask(session, -2, OpCode::kPing);
    leader.ask(session, 2, OpCode::kGetData, wire::ReadRequest{"/q", false});
    ensemble.pass(200ms);
    CHECK(ensemble.elect());  // the others
    CHECK(leader.core().status().state == core::ServerState::kLooking);
    CHECK(leader.pending(session) == 0);
    const auto other = ensemble.leader();
    const auto writer = ensemble[other].connect();
    REQUIRE(ensemble[other].create(writer, "/q/other") == ErrorCode::kOk);

    ensemble.rejoin(lead);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);
    REQUIRE_FALSE(leader.closed(session));
    for (const Xid xid : {wire::kXidPing, 1, 2}) CHECK(leader.next(session).header.xid == xid);
    CHECK(children(leader, session, "/q") == 2);
    CHECK(ensemble.same_state());
}

TEST_CASE("a session that was being opened when the leader was lost is opened by the next one",
          "[core][ensemble][failover]") {
    Ensemble ensemble(3, patient_options());
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    ensemble.delay(at, lead, true);
    const auto opening = follower.connect();
    CHECK(opening.id == SessionId::kNone);
    follower.ask(opening, 1, OpCode::kExists, wire::ReadRequest{"/", false});
    ensemble.isolate(lead);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);
    CHECK(follower.connect_reply(opening.connection));
    CHECK(follower.next(opening).header.xid == 1);
    CHECK(follower.core().status().sessions == 1);
}

TEST_CASE("without a leader clients are held for a while, then let go; new ones are turned away",
          "[core][ensemble][failover]") {
    Ensemble ensemble(3);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect(20'000);
    ensemble.isolate(at);
    follower.ask(session, 1, OpCode::kExists, wire::ReadRequest{"/", false});
    ensemble.pass(1900ms);
    CHECK_FALSE(follower.closed(session));
    CHECK(follower.pending(session) == 0);
    ensemble.pass(200ms);
    CHECK(follower.closed(session));
    CHECK(follower.closed(follower.connect()));
    ensemble.rejoin(at);
    REQUIRE(ensemble.elect());
    CHECK(follower.reattach(session).id == session.id);
}

TEST_CASE("what is held of a client is bounded", "[core][ensemble][failover][bounds]") {
    auto options = patient_options();
    options.client_queue_bytes_max = 1000;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto at = ensemble.follower();
    auto& follower = ensemble[at];
    const auto session = follower.connect(20'000);
    ensemble.isolate(at);
    for (Xid xid = 1; xid <= 10; ++xid)
        follower.ask(session, xid, OpCode::kSetData, wire::SetDataRequest{"/", std::string(200, 'x'), -1});
    CHECK(follower.paused(session));
    ensemble.rejoin(at);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);
    CHECK_FALSE(follower.paused(session));
    CHECK(follower.pending(session) == 10);
}

TEST_CASE("a snapshot under a follower's clients: who watches or waits comes again, others stay",
          "[core][ensemble][failover]") {
    auto options = patient_options();
    options.window_bytes_max = 0;
    Ensemble ensemble(3, options);
    REQUIRE(ensemble.elect());
    const auto lead = ensemble.leader();
    const auto at = ensemble.follower();
    auto& leader = ensemble[lead];
    auto& follower = ensemble[at];
    const auto writer = leader.connect(40'000);
    const auto watcher = follower.connect(40'000);
    const auto waiter = follower.connect(40'000);
    const auto idle = follower.connect(40'000);
    REQUIRE(leader.create(writer, "/a") == ErrorCode::kOk);
    REQUIRE(leader.create(writer, "/gone") == ErrorCode::kOk);
    watch(follower, watcher, "/a");
    ensemble.delay(at, lead, true);
    ask_sequential(follower, waiter, 1);
    ensemble.isolate(at);

    const wire::AclList acl{{wire::kRead, {"world", "anyone"}}, {wire::kAllPermissions, {"ip", "127.0.0.1"}}};
    leader.ask(writer, 1, OpCode::kCreate, wire::CreateRequest{"/a/acl", "data", acl, {}});
    REQUIRE(leader.next_reply(writer).header.error == ErrorCode::kOk);
    REQUIRE(leader.create(writer, "/a/e", CreateMode::kEphemeral) == ErrorCode::kOk);
    leader.ask(writer, 2, OpCode::kDelete, wire::VersionedRequest{"/gone", -1});
    leader.next_reply(writer);
    ensemble.pass(100ms);
    const auto compacted = leader.core().status().zxid_applied;
    leader.begin_log_at(compacted);

    ensemble.rejoin(at);
    ensemble.delay(at, lead, false);
    REQUIRE(ensemble.elect());
    ensemble.pass(100ms);
    CHECK(follower.checkpoint().zxid() >= compacted);
    CHECK(ensemble.same_state());
    CHECK(follower.closed(watcher));
    CHECK(follower.closed(waiter));
    REQUIRE_FALSE(follower.closed(idle));
    CHECK(follower.data_of(idle, "/a/acl") == "data");
    CHECK(follower.data_of(idle, "/gone") == std::nullopt);
    CHECK(follower.reattach(watcher).id == watcher.id);

    REQUIRE(follower.create(idle, "/after") == ErrorCode::kOk);
    ensemble.pass(100ms);
    ensemble.restart(at);
    REQUIRE(ensemble.elect());
    CHECK(ensemble.same_state());
}
