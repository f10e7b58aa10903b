#include "tests/unit/core/server.hpp"
#include "wire/txns.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::ErrorCode;
using wire::OpCode;

namespace {

/// A few hundred writes of every kind, some of which fail.
void work(Server& server, unsigned seed) {
    std::mt19937 random(seed);
    const auto session = server.connect(40'000);
    const auto other = server.connect(40'000);
    for (Xid xid = 1; xid < 400; ++xid) {
        const auto& who = random() % 4 == 0 ? other : session;
        const auto path = "/n" + std::to_string(random() % 20);
        switch (random() % 5) {
            case 0: server.ask(who, xid, OpCode::kCreate, Server::create_request(path, {}, "some data")); break;
            case 1:
                server.ask(who, xid, OpCode::kCreate,
                           Server::create_request(path + "/s-", wire::CreateMode::kEphemeralSequential));
                break;
            case 2: server.ask(who, xid, OpCode::kSetData, wire::SetDataRequest{path, "other data", -1}); break;
            case 3: server.ask(who, xid, OpCode::kDelete, wire::VersionedRequest{path, -1}); break;
            default: {
                const wire::AclList acl{{wire::kAllPermissions, {"world", "anyone"}},
                                        {wire::kRead, {"ip", "10.0.0.1"}}};
                server.ask(who, xid, OpCode::kSetAcl, wire::SetAclRequest{path, acl, -1});
            }
        }
        server.advance(1ms);
    }
    server.ask(other, 1000, OpCode::kCloseSession);
}

}  // namespace

TEST_CASE("replaying the log gives the same state", "[core][recovery]") {
    const auto seed = GENERATE(range(1u, 6u));
    Server before;
    work(before, seed);
    auto after = Server::recovered_from(before);
    CHECK(after.core().status().zxid_applied == before.core().status().zxid_applied);
    CHECK(after.core().status().digest == before.core().status().digest);
    CHECK(after.core().status().sessions == 1);
    after.core().check_invariants();
}

TEST_CASE("the images put to the checkpoint are the state at their zxid, and the log goes on from there",
          "[core][recovery][checkpoint]") {
    const auto seed = GENERATE(range(1u, 6u));
    Server before;
    work(before, seed);
    before.advance(1ms);
    const auto& images = before.checkpoints();
    for (std::size_t count = 1; count <= images.size(); count += 37) {
        CheckpointModel checkpoint;
        for (std::size_t i = 0; i < count; ++i) checkpoint.put(images[i]);
        auto recovered = checkpoint.recovered();
        CHECK(recovered.state.tree.digest() == images[count - 1].digest);
        const auto zxid = recovered.zxid;
        core::Core core(default_options(), std::move(recovered));
        core::Outputs out;
        for (const auto& record : before.log())
            if (record.zxid > zxid) core.step(core::LogRecovered{record.zxid, record.txn}, out);
        CHECK(core.status().digest == before.core().status().digest);
        CHECK(core.status().sessions == before.core().status().sessions);
        core.check_invariants();
    }
}

TEST_CASE("what was not durable is forgotten, what was is kept", "[core][recovery]") {
    Server before;
    const auto session = before.connect();
    REQUIRE(before.create(session, "/kept") == ErrorCode::kOk);
    before.set_disk_syncs(false);
    before.ask(session, 2, OpCode::kCreate, Server::create_request("/lost"));
    auto after = Server::recovered_from(before);
    const auto again = after.reattach(session);
    CHECK(after.data_of(again, "/kept").has_value());
    CHECK_FALSE(after.data_of(again, "/lost").has_value());
}

TEST_CASE("Z-46: before the counter runs out the next epoch begins at counter 1", "[core][recovery]") {
    auto options = default_options();
    options.counter_max = 5;
    Server server(options);
    const auto session = server.connect();
    for (int i = 0; i < 8; ++i) REQUIRE(server.create(session, "/n" + std::to_string(i)) == ErrorCode::kOk);
    std::vector<Zxid> zxids;
    for (const auto& record : server.log()) zxids.push_back(record.zxid);
    const std::vector<Zxid> expected{Zxid::of(0, 1), Zxid::of(0, 2), Zxid::of(0, 3), Zxid::of(0, 4), Zxid::of(0, 5),
                                     Zxid::of(1, 1), Zxid::of(1, 2), Zxid::of(1, 3), Zxid::of(1, 4)};
    CHECK(zxids == expected);
    CHECK(server.core().status().zxid_applied == Zxid::of(1, 4));
}

TEST_CASE("zxids go on counting across restarts, in epoch 0", "[core][recovery]") {
    Server before;
    const auto session = before.connect();
    REQUIRE(before.create(session, "/a") == ErrorCode::kOk);
    auto after = Server::recovered_from(before);
    after.connect();
    CHECK(after.core().status().zxid_applied == Zxid::of(0, 3));
}
