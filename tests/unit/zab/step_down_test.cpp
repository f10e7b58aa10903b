// A leader that is asked to leave its place to a follower.
#include "tests/unit/zab/ensemble.hpp"
#include "zab/election.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace zabd::zab {
namespace {

using wire::Notification;
using wire::PeerState;

constexpr ServerId kOne{1}, kTwo{2}, kThree{3};

bool all_have(Ensemble& ensemble, Zxid zxid) {
    return std::ranges::all_of(ensemble.servers(), [&](auto& entry) {
        auto& server = entry.second;
        return !server.up() || (server.role.serving && !server.state.empty() && server.state.back().zxid >= zxid);
    });
}

/// The leader, once `followers` follow it.
Ensemble::Server& leader_of(Ensemble& ensemble, std::size_t followers) {
    REQUIRE(ensemble.run_until([&] {
        auto* leader = ensemble.leader();
        return leader && leader->participant->synced_voters() == followers;
    }));
    return *ensemble.leader();
}

TEST_CASE("a leader that is asked to leaves its place to a follower at once, and nothing is lost", "[zab][stepdown]") {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        CAPTURE(seed);
        const bool zabd = seed % 3 != 0;
        Ensemble ensemble({.voters = seed % 2 == 0 ? 5 : 3, .observers = 1, .seed = seed, .zabd = zabd});
        auto& old = leader_of(ensemble, seed % 2 == 0 ? 4 : 2);
        const auto epoch = old.participant->next_zxid().epoch();
        Zxid last;
        for (int n = 0; n < 20; ++n) last = ensemble.submit(old, std::to_string(n));
        ensemble.run(static_cast<int>(seed % 50));
        CHECK(old.participant->can_step_down());
        ensemble.input(old, StepDown{});
        CHECK_FALSE(old.participant->accepts());
        const auto asked_at = ensemble.now();
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() && ensemble.leader()->id != old.id; }));
        CHECK(ensemble.now() - asked_at < Millis(2000));
        CHECK(ensemble.leader()->participant->next_zxid().epoch() == epoch + 1);  // in the first attempt
        REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
        CHECK(old.state.size() == 20);
        ensemble.check();
    }
}

TEST_CASE("without a follower nobody steps down", "[zab][stepdown]") {
    Ensemble alone({.voters = 1});
    REQUIRE(alone.run_until([&] { return alone.leader() != nullptr; }));
    CHECK_FALSE(alone.leader()->participant->can_step_down());
    alone.input(*alone.leader(), StepDown{});
    CHECK(alone.leader()->participant->accepts());

    Ensemble three({});
    auto& leader = leader_of(three, 2);
    for (auto& [id, server] : three.servers()) {
        if (server.leads()) continue;
        CHECK_FALSE(server.participant->can_step_down());
        three.input(server, StepDown{});
    }
    three.run(1000);
    CHECK(leader.participant->accepts());
}

TEST_CASE("if no follower comes to have all in a tick, the leader goes on", "[zab][stepdown]") {
    Ensemble ensemble({});
    auto& leader = leader_of(ensemble, 2);
    const int self = static_cast<int>(leader.id);
    for (const int other : {1, 2, 3})
        if (other != self) ensemble.cut(self, other);
    const auto last = ensemble.submit(leader, "not acknowledged");
    ensemble.input(leader, StepDown{});
    ensemble.pass(Millis(1999));
    CHECK_FALSE(leader.participant->accepts());
    ensemble.pass(Millis(1));
    CHECK(leader.participant->accepts());
    CHECK(leader.leads());
    ensemble.heal();
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    CHECK(leader.leads());
    ensemble.check();
}

TEST_CASE("a follower that lags is not the one that the leader steps down for", "[zab][stepdown]") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Ensemble ensemble({.seed = seed});
        auto& leader = leader_of(ensemble, 2);
        const int self = static_cast<int>(leader.id);
        const int lagging = self == 3 ? 2 : 3;  // its number is the higher one
        const int other = 6 - self - lagging;
        ensemble.cut(self, lagging);
        const auto last = ensemble.submit(leader, "the lagging one has it not");
        ensemble.input(leader, StepDown{});
        REQUIRE(ensemble.run_until([&] { return ensemble.server(other).leads(); }));
        ensemble.heal();
        REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
        ensemble.check();
    }
}

TEST_CASE("a successor that is dead by then is not waited for", "[zab][stepdown]") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Ensemble ensemble({.seed = seed});
        auto& leader = leader_of(ensemble, 2);
        const int self = static_cast<int>(leader.id);
        const int successor = self == 3 ? 2 : 3;
        const auto last = ensemble.submit(leader, "kept");
        REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
        REQUIRE(ensemble.run_until([&] {
            const auto learners = leader.participant->learners();
            return std::ranges::all_of(learners, [&](const auto& learner) { return learner.acked == last; });
        }));
        ensemble.input(leader, StepDown{});
        CHECK(leader.role.reason == "it steps down for server " + std::to_string(successor));
        ensemble.crash(successor);
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() != nullptr; }, 20'000));
        REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
        ensemble.check();
    }
}

/// Leaders are asked again and again while servers crash and links break.
void run_history(std::uint64_t seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const int voters = 3 + 2 * static_cast<int>(random() % 2);
    Ensemble ensemble({.voters = voters,
                       .observers = static_cast<int>(random() % 2),
                       .seed = seed,
                       .zabd = random() % 3 != 0,
                       .counter_max = random() % 4 == 0 ? Counter{20} : kCounterMax});
    const auto any = [&] { return 1 + static_cast<int>(random() % ensemble.servers().size()); };
    for (int act = 0; act < 60; ++act) {
        ensemble.run(static_cast<int>(random() % 400));
        switch (random() % 10) {
            case 0: ensemble.crash(any()); break;
            case 1:
            case 2:
                if (auto& server = ensemble.server(any()); !server.up()) ensemble.start(static_cast<int>(server.id));
                break;
            case 3: ensemble.cut(any(), any()); break;
            case 4: ensemble.heal(); break;
            case 5:
            case 6:
                for (auto& [id, server] : ensemble.servers()) ensemble.input(server, StepDown{});
                break;
            default:
                for (auto& [id, server] : ensemble.servers())
                    for (int n = 0; n < 5 && server.leads() && server.participant->accepts(); ++n)
                        ensemble.submit(server, std::to_string(random() % 1000));
        }
        ensemble.check();
    }
    ensemble.heal();
    for (auto& [id, server] : ensemble.servers())
        if (!server.up()) ensemble.start(static_cast<int>(id));
    bool done = false;
    for (int tries = 0; tries < 5 && !done; ++tries) {
        REQUIRE(ensemble.run_until([&] { return ensemble.leader() && ensemble.leader()->participant->accepts(); }));
        const auto last = ensemble.submit(*ensemble.leader(), "the last");
        done = ensemble.run_until([&] { return all_have(ensemble, last); }, 100'000);
    }
    REQUIRE(done);
    ensemble.check();
}

TEST_CASE("histories agree when leaders step down, whatever else goes wrong", "[zab][stepdown][random]") {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) run_history(seed);
}

TEST_CASE("a leader tells how far its learners are", "[zab][stepdown]") {
    Ensemble ensemble({.observers = 1});
    auto& leader = leader_of(ensemble, 2);
    const auto last = ensemble.submit(leader, "for all");
    REQUIRE(ensemble.run_until([&] { return all_have(ensemble, last); }));
    REQUIRE(ensemble.run_until([&] {
        const auto learners = leader.participant->learners();
        return learners.size() == 3 && std::ranges::all_of(learners, [&](const auto& learner) {
                   return learner.up_to_date && learner.acked == last && learner.observes == (learner.server > kThree);
               });
    }));
    for (const auto& [id, server] : ensemble.servers())
        if (!server.leads()) CHECK(server.participant->learners().empty());
}

// --- the vote of who has stepped down --------------------------------------------------------------------------------

/// Server 3 of three voters, which has led epoch 1 up to 1:5, and steps down for server 2.
struct SteppedDown {
    SteppedDown() { election.begin(now, {Zxid::of(1, 5), 1, kTwo}, out); }
    void hear(ServerId from, const Notification& said) {
        out.clear();
        election.on(now, {from, said}, out);
    }
    void wait(Millis time) {
        out.clear();
        now += time;
        election.tick(now, out);
    }
    [[nodiscard]] Notification said() const {
        REQUIRE_FALSE(out.empty());
        return std::get<SendNotification>(out.back()).notification;
    }

    Election election{kThree, Membership({kOne, kTwo, kThree}), "version=0"};
    Instant now{Millis(1000)};
    std::vector<Output> out;
};

TEST_CASE("who has stepped down votes for the other, though it would win itself", "[zab][election][stepdown]") {
    SteppedDown server;
    CHECK(server.said() == Notification{PeerState::kLooking, 2, 0x100000005, 1, 1, 2, "version=0"});
    server.hear(kTwo, {PeerState::kLooking, 2, 0x100000005, 1, 1});
    server.hear(kOne, {PeerState::kLooking, 1, 0x100000005, 1, 1});
    CHECK(server.election.winner() == kTwo);
}

TEST_CASE("what the favoured one says of itself counts for more than what was known of it",
          "[zab][election][stepdown]") {
    SteppedDown server;
    server.hear(kTwo, {PeerState::kLooking, 2, 0x100000004, 1, 1});
    CHECK(server.said().zxid == 0x100000004);
    server.hear(kOne, {PeerState::kLooking, 1, 0x100000005, 1, 1});
    CHECK(server.said().leader == 1);
}

TEST_CASE("one that is not heard of is favoured for a second, one that is gone no longer",
          "[zab][election][stepdown]") {
    const bool gone = GENERATE(false, true);
    SteppedDown server;
    if (gone) {
        server.out.clear();
        server.election.on(server.now, ElectionLink{kTwo, false}, server.out);
    } else {
        server.wait(Millis(999));
        CHECK(server.said().leader == 2);
        server.wait(Millis(1));
    }
    CHECK(server.said().leader == 3);
}

}  // namespace
}  // namespace zabd::zab
