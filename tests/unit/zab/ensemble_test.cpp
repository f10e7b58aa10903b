#include "tests/unit/zab/ensemble.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace zabd::zab {
namespace {

bool all_have(Ensemble& ensemble, Zxid zxid) {
    return std::ranges::all_of(ensemble.servers(), [&](auto& entry) {
        auto& server = entry.second;
        return !server.up() || (server.role.serving && !server.state.empty() && server.state.back().zxid >= zxid);
    });
}

TEST_CASE("a fresh ensemble forms by itself and broadcasts", "[zab][ensemble]") {
    for (const int voters : {3, 5, 7}) {
        Ensemble ensemble({.voters = voters, .observers = 2});
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
        Zxid last;
        for (int n = 0; n < 10; ++n) last = ensemble.submit(*ensemble.leader(), "txn " + std::to_string(n));
        REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
        ensemble.check();
    }
}

TEST_CASE("under a ZooKeeper leader sessions are known to have its passwords, among zabd alone not",
          "[zab][ensemble]") {
    const bool zabd = GENERATE(false, true);
    Ensemble ensemble({.observers = 1, .zabd = zabd});
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
    const auto last = ensemble.submit(*ensemble.leader(), "a session");
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    for (const auto& [id, server] : ensemble.servers())
        if (!server.leads()) CHECK(server.hard.mixed_at(last) == !zabd);
}

TEST_CASE("Z-15: an empty voter among others is not counted until it has synchronised", "[zab][ensemble]") {
    Ensemble ensemble({});
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
    const auto last = ensemble.submit(*ensemble.leader(), "kept");
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    for (const int id : {1, 2, 3}) ensemble.crash(id);
    ensemble.lose_disk(1);
    ensemble.start(1);
    ensemble.start(2);
    CHECK_FALSE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }, 20'000));
    ensemble.start(3);
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    ensemble.check();
}

TEST_CASE("a leader that is cut off steps down, and what it alone has is taken back", "[zab][ensemble]") {
    Ensemble ensemble({});
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr && all_have(ensemble, {}); }, 1000) == false);
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
    auto& old = *ensemble.leader();
    const auto first = ensemble.submit(old, "for all");
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, first); }));
    const int self = static_cast<int>(old.id);
    for (const int other : {1, 2, 3})
        if (other != self) ensemble.cut(self, other);
    const auto lost = ensemble.submit(old, "for nobody");
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() && ensemble.leader()->id != old.id && !old.leads(); }));
    const auto next = ensemble.submit(*ensemble.leader(), "of the new epoch");
    REQUIRE(next.epoch() > lost.epoch());
    ensemble.heal();
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, next); }));
    CHECK(old.state.back().txn.view() == "of the new epoch");
    ensemble.check();
}

TEST_CASE("a follower that the leader's log cannot help any more gets a snapshot", "[zab][ensemble]") {
    Ensemble ensemble({.window_bytes_max = 100});
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
    auto& leader = *ensemble.leader();
    REQUIRE(ensemble.run_until([&] { return leader.participant->synced_voters() == 2; }));
    const auto snapshots = ensemble.snapshots();
    const int away = static_cast<int>(leader.id) % 3 + 1;
    ensemble.crash(away);
    Zxid last;
    for (int n = 0; n < 100; ++n) last = ensemble.submit(leader, "txn " + std::to_string(n));
    REQUIRE(ensemble.run_until([&] { return leader.state.size() == 100; }));
    ensemble.checkpoint(static_cast<int>(leader.id), {});
    leader.log_unreadable = true;
    ensemble.start(away);
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    CHECK(leader.leads());
    CHECK(ensemble.snapshots() == snapshots + 1);
    ensemble.check();
}

TEST_CASE("Z-34: a question is confirmed by answers to pings that were sent after it", "[zab][ensemble]") {
    Ensemble ensemble({});
    REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }));
    REQUIRE(ensemble.run_until([&] { return ensemble.leader()->participant->synced_voters() == 2; }));
    auto& leader = *ensemble.leader();
    for (int n = 0; n < 5; ++n) ensemble.input(leader, Confirm{});
    CHECK(leader.confirmed == 0);
    REQUIRE(ensemble.run_until([&] { return leader.confirmed == 5; }));
    const int self = static_cast<int>(leader.id);
    for (const int other : {1, 2, 3})
        if (other != self) ensemble.cut(self, other);
    ensemble.input(leader, Confirm{});
    ensemble.run(20'000);
    CHECK(leader.confirmed == 5);
}

TEST_CASE("Z-46: an epoch whose counter runs out is handed over, and nothing is lost", "[zab][ensemble]") {
    Ensemble ensemble({.counter_max = 5});
    Zxid last;
    for (int n = 0; n < 23; ++n) {
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() && ensemble.leader()->participant->accepts(); }));
        last = ensemble.submit(*ensemble.leader(), std::to_string(n));
    }
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    CHECK(ensemble.server(1).state.size() == 23);
    CHECK(last.epoch() >= 5);
    ensemble.check();
}

bool all_have_history(Ensemble& ensemble) {
    return std::ranges::all_of(ensemble.servers(), [](const auto& entry) { return entry.second.hard.has_history; });
}

/// Everything goes wrong, in every order; what was delivered anywhere stays the same everywhere.
void run_history(std::uint64_t seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const int voters = 3 + 2 * static_cast<int>(random() % 2);
    Ensemble ensemble({.voters = voters,
                       .observers = static_cast<int>(random() % 2),
                       .seed = seed,
                       .zabd = random() % 3 != 0,
                       .counter_max = random() % 4 == 0 ? Counter{20} : kCounterMax,
                       .window_bytes_max = random() % 2 == 0 ? std::size_t{500} : std::size_t{1} << 20,
                       .congested_at = random() % 2 == 0 ? std::size_t{8} : std::size_t{1000}});
    const int all = static_cast<int>(ensemble.servers().size());
    int lost_disks = 0;
    for (int act = 0; act < 60; ++act) {
        ensemble.run(static_cast<int>(random() % 400));
        const int id = 1 + static_cast<int>(random() % static_cast<unsigned>(all));
        switch (random() % 12) {
            case 0: ensemble.crash(id); break;
            case 1:
            case 2:
            case 3:
                if (!ensemble.server(id).up()) ensemble.start(id);
                break;
            case 4: ensemble.cut(id, 1 + static_cast<int>(random() % static_cast<unsigned>(all))); break;
            case 5: ensemble.heal(); break;
            case 6: {
                const auto& state = ensemble.server(id).state;
                if (!state.empty()) ensemble.checkpoint(id, state[random() % state.size()].zxid);
                break;
            }
            case 7:
                // Of a quorum all but one must have what was committed.
                if (lost_disks == 0 && !ensemble.server(id).up() && all_have_history(ensemble))
                    ensemble.lose_disk(id), ++lost_disks;
                break;
            default:
                for (auto& [server_id, server] : ensemble.servers())
                    for (int n = 0; n < 5 && server.leads() && server.participant->accepts(); ++n)
                        ensemble.submit(server, std::to_string(random() % 1000));
        }
        ensemble.check();
    }
    ensemble.heal();
    for (int id = 1; id <= all; ++id)
        if (!ensemble.server(id).up()) ensemble.start(id);
    // What is submitted while an old leader still believes in itself may be lost.
    bool done = false;
    for (int tries = 0; tries < 5 && !done; ++tries) {
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() && ensemble.leader()->participant->accepts(); }));
        const auto last = ensemble.submit(*ensemble.leader(), "the last");
        done = ensemble.run_until([&] { return all_have(ensemble, last); }, 100'000);
    }
    REQUIRE(done);
    ensemble.check();
}

TEST_CASE("histories agree, whatever goes wrong", "[zab][ensemble][random]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) run_history(seed);
}

}  // namespace
}  // namespace zabd::zab
