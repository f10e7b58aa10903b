#include "zab/election.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace zabd::zab {
namespace {

using wire::Notification;
using wire::PeerState;

constexpr ServerId kOne{1}, kTwo{2}, kThree{3}, kFour{4};

/// Server 1 of three voters, and what it is told by hand.
class Booth {
public:
    explicit Booth(Membership membership = Membership({kOne, kTwo, kThree}))
        : election(kOne, std::move(membership), "version=0") {}

    void begin(std::optional<Zxid> zxid, Epoch epoch = 0) {
        out.clear();
        election.begin(now, {.zxid = zxid, .current_epoch = epoch}, out);
    }
    void looking(ServerId from, std::int64_t leader, std::int64_t zxid, std::int64_t round = 1,
                 std::int64_t epoch = 0) {
        hear(from, {PeerState::kLooking, leader, zxid, round, epoch});
    }
    void hear(ServerId from, Notification said) {
        out.clear();
        election.on(now, {from, std::move(said)}, out);
    }
    void wait(Millis time) {
        out.clear();
        now += time;
        election.tick(now, out);
    }
    /// What it told last, and to how many.
    [[nodiscard]] std::optional<SendNotification> said() const {
        if (out.empty()) return std::nullopt;
        return std::get<SendNotification>(out.back());
    }

    Election election;
    Instant now{Millis(1000)};
    std::vector<Output> out;
};

TEST_CASE("it votes for itself, and tells all voters", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5), 1);
    REQUIRE(booth.said());
    CHECK(booth.said()->to == std::vector{kTwo, kThree});
    CHECK(booth.said()->notification == Notification{PeerState::kLooking, 1, 0x100000005, 1, 1, 2, "version=0"});
}

TEST_CASE("the higher epoch wins, then the zxid, then the server", "[zab][election]") {
    struct Case {
        std::int64_t leader, zxid, epoch;
        bool wins;
    };
    const auto c = GENERATE(values<Case>({{2, 0x100000005, 1, true},
                                          {2, 0x100000004, 1, false},
                                          {2, 0x100000006, 1, true},
                                          {2, 0x100000001, 2, true},
                                          {2, 0x200000001, 0, false}}));
    Booth booth;
    booth.begin(Zxid::of(1, 5), 1);
    booth.looking(kTwo, c.leader, c.zxid, 1, c.epoch);
    REQUIRE(booth.said());
    CHECK(booth.said()->notification.leader == (c.wins ? 2 : 1));
    CHECK(booth.said()->to.size() == (c.wins ? 2 : 1));
}

TEST_CASE("one whose vote is worse is told of the better one: it may have missed it while it followed",
          "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 2, 0x100000003);
    REQUIRE(booth.said());
    CHECK(booth.said()->to == std::vector{kTwo});
    CHECK(booth.said()->notification.leader == 1);
}

TEST_CASE("one who agrees is told so once in a round: what it was told before may have been replaced on its way",
          "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 1, 0x100000005);
    REQUIRE(booth.said());
    CHECK(booth.said()->to == std::vector{kTwo});
    CHECK(booth.said()->notification.leader == 1);
    booth.looking(kTwo, 1, 0x100000005);
    CHECK_FALSE(booth.said());
    booth.looking(kTwo, 1, 0x100000005, 2);
    CHECK(booth.said());
}

TEST_CASE("with all voters heard it is decided at once", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 2, 0x100000003);
    CHECK_FALSE(booth.election.winner());
    booth.looking(kTwo, 1, 0x100000005);
    CHECK_FALSE(booth.election.winner());
    booth.looking(kThree, 1, 0x100000005);
    CHECK(booth.election.winner() == kOne);
}

TEST_CASE("a voter that cannot be reached is not waited for", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 1, 0x100000005);
    CHECK_FALSE(booth.election.winner());
    booth.election.on(booth.now, ElectionLink{kThree, false}, booth.out);
    CHECK(booth.election.winner() == kOne);
}

TEST_CASE("a better vote is waited for while it may come", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 1, 0x100000005);
    booth.wait(Millis(199));
    CHECK_FALSE(booth.election.winner());
    booth.wait(Millis(1));
    CHECK(booth.election.winner() == kOne);
}

TEST_CASE("Z-56: who is not heard itself is not voted for, whatever others say", "[zab][election]") {
    const auto late = GENERATE(false, true);
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 3, 0x100000009);
    CHECK(booth.said()->notification.leader == 1);
    booth.wait(Millis(200));
    CHECK(booth.said()->notification.leader == 1);
    if (late) {
        booth.looking(kThree, 3, 0x100000009);
        CHECK(booth.said()->notification.leader == 3);
        CHECK(booth.election.winner() == kThree);
    } else {
        booth.looking(kTwo, 2, 0x100000005);
        CHECK(booth.said()->notification.leader == 2);
    }
}

TEST_CASE("a later round begins anew, an earlier one is answered", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 2, 0x100000001, 7);
    CHECK(booth.said()->notification.round == 7);
    CHECK(booth.said()->notification.leader == 1);
    booth.looking(kThree, 3, 0x100000009, 6);
    CHECK(booth.said()->to == std::vector{kThree});
    CHECK(booth.said()->notification.leader == 1);
    CHECK_FALSE(booth.election.winner());
}

TEST_CASE("Z-55: one that comes late joins when a quorum and the leader itself say so", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    // What a fresh link brings first may be from the last election.
    booth.looking(kThree, 3, 0);
    booth.hear(kTwo, {PeerState::kFollowing, 3, 0, 4, 2});
    CHECK_FALSE(booth.election.winner());
    booth.hear(kThree, {PeerState::kLeading, 3, 0x100000002, 9, 2});
    CHECK(booth.election.winner() == kThree);
    CHECK(booth.election.winner() == kThree);
    booth.looking(kTwo, 2, 5, 1);
    CHECK(booth.said()->notification.state == PeerState::kFollowing);
    CHECK(booth.said()->notification.leader == 3);
}

TEST_CASE("Z-55: one that decided for a server that the others do not follow learns so", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.election.on(booth.now, ElectionLink{kThree, false}, booth.out);
    booth.looking(kTwo, 1, 0x100000005);
    REQUIRE(booth.election.winner() == kOne);
    booth.hear(kTwo, {PeerState::kFollowing, 3, 0x100000009, 2, 1});
    CHECK_FALSE(booth.election.superseded());
    booth.hear(kThree, {PeerState::kLeading, 3, 0x100000009, 2, 1});
    CHECK(booth.election.superseded());
    booth.begin(Zxid::of(1, 5));
    booth.hear(kTwo, {PeerState::kFollowing, 3, 0x100000009, 2, 1});
    booth.hear(kThree, {PeerState::kLeading, 3, 0x100000009, 2, 1});
    CHECK(booth.election.winner() == kThree);
    CHECK_FALSE(booth.election.superseded());
}

TEST_CASE("Z-54: followers of a leader that does not answer are not believed", "[zab][election]") {
    Booth booth(Membership({kOne, kTwo, kThree, kFour, ServerId{5}}));
    booth.begin(Zxid::of(1, 5));
    for (const auto from : {kTwo, kThree, kFour}) booth.hear(from, {PeerState::kFollowing, 5, 0, 4, 2});
    CHECK_FALSE(booth.election.winner());
}

TEST_CASE("Z-56: a vote for a server that has come again with less, or begins anew, is taken back", "[zab][election]") {
    const auto disk_lost = GENERATE(false, true);
    Booth booth(Membership({kOne, kTwo, kThree, kFour, ServerId{5}}));
    booth.begin(Zxid::of(1, 5));
    for (const auto from : {kFour, kThree}) booth.looking(from, 4, 0x100000009, 2);
    booth.looking(kTwo, 2, 0x100000007, 2);
    REQUIRE(booth.said()->notification.leader == 4);
    booth.looking(kFour, 4, disk_lost ? -1 : 0x100000009, 1);
    CHECK(booth.said()->notification.leader == 2);
    CHECK(booth.said()->notification.round == 2);
    booth.looking(kFour, 4, disk_lost ? -1 : 0x100000009, 2);
    if (disk_lost) {
        CHECK_FALSE(booth.said());
    } else {
        CHECK(booth.said()->notification.leader == 4);
    }
}

TEST_CASE("Z-57: what is not of a voter, or for none, is not counted", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.looking(kFour, 4, 0x900000000);
    CHECK(booth.said()->to == std::vector{kFour});
    for (const std::int64_t leader : {std::int64_t{4}, std::int64_t{-1}, std::int64_t{1} << 40, wire::kNoVote}) {
        booth.looking(kTwo, leader, 0x900000000, 1, 9);
        CHECK_FALSE(booth.said());
    }
    booth.hear(kTwo, {PeerState::kObserving, 3, 0, 1, 0});
    CHECK_FALSE(booth.election.winner());
}

TEST_CASE("Z-15: a voter with nothing is counted only if all have nothing", "[zab][election]") {
    Booth booth;
    booth.begin(std::nullopt);
    CHECK(booth.said()->notification.zxid == -1);
    booth.looking(kTwo, 2, -1);
    CHECK_FALSE(booth.election.fresh_ensemble());
    SECTION("all have") {
        booth.looking(kThree, 3, -1);
        CHECK_FALSE(booth.election.fresh_ensemble());
        booth.wait(Millis(200));
        CHECK(booth.election.fresh_ensemble());
        CHECK(booth.said()->notification.zxid == 0);
    }
    SECTION("one of them had said so long ago") {
        const auto follows = GENERATE(false, true);
        booth.looking(kThree, 3, -1);
        booth.wait(Millis(100));
        booth.hear(kThree, follows ? Notification{PeerState::kFollowing, 1, 0, 1, 2}
                                   : Notification{PeerState::kLooking, 3, 0x100000001, 1, 1});
        booth.wait(Millis(500));
        CHECK_FALSE(booth.election.fresh_ensemble());
    }
    SECTION("one has more") {
        booth.looking(kThree, 3, 0x100000001, 1, 1);
        CHECK_FALSE(booth.election.fresh_ensemble());
        booth.looking(kTwo, 3, 0x100000001, 1, 1);
        booth.wait(Millis(500));
        CHECK_FALSE(booth.election.winner());
    }
}

TEST_CASE("Z-15: servers that lost what they had are no fresh ensemble", "[zab][election]") {
    Booth booth;
    booth.begin(std::nullopt, 3);
    booth.looking(kTwo, 2, -1, 1, 3);
    booth.looking(kThree, 3, -1, 1, 3);
    booth.wait(Millis(500));
    CHECK_FALSE(booth.election.fresh_ensemble());
    CHECK_FALSE(booth.election.winner());
}

TEST_CASE("the first leader of a fresh ensemble does not stand in its way when nothing was ever logged",
          "[zab][election]") {
    Booth booth;
    booth.begin(std::nullopt);
    booth.looking(kTwo, 2, -1);
    booth.looking(kThree, 3, 0, 1, 1);
    booth.wait(Millis(200));
    CHECK(booth.election.fresh_ensemble());
    CHECK(booth.election.epoch_told() == 1);
}

TEST_CASE("on a new link the vote is told again, while we look", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid::of(1, 5));
    booth.out.clear();
    booth.election.on(booth.now, ElectionLink{kTwo, false}, booth.out);
    booth.election.on(booth.now, ElectionLink{kTwo, true}, booth.out);
    REQUIRE(booth.said());
    CHECK(booth.said()->to == std::vector{kTwo});
    CHECK(booth.said()->notification.leader == 1);
}

TEST_CASE("an observer answers nobody who looks: they would answer each other for ever", "[zab][election]") {
    Booth booth(Membership({kTwo, kThree, kFour}, {kOne}));
    booth.begin(Zxid::of(1, 5));
    booth.looking(kTwo, 2, 5, 0);
    CHECK((!booth.said() || booth.said()->to.size() != 1));
    Booth voter;
    voter.begin(Zxid::of(1, 5));
    voter.hear(kFour, {PeerState::kObserving, 1, 0, 1, 0});
    CHECK_FALSE(voter.said());
}

TEST_CASE("Z-15: a leader that lost its disk does not lead on because its followers have not noticed",
          "[zab][election]") {
    Booth booth;
    booth.begin(std::nullopt);
    booth.hear(kTwo, {PeerState::kFollowing, 1, 0x200000001, 1, 2});
    booth.hear(kThree, {PeerState::kFollowing, 1, 0x200000001, 1, 2});
    CHECK_FALSE(booth.election.winner());
}

TEST_CASE("an observer takes part without a voice", "[zab][election]") {
    Booth booth(Membership({kTwo, kThree, kFour}, {kOne}));
    booth.begin(Zxid::of(1, 5));
    CHECK(booth.said()->to == std::vector{kTwo, kThree, kFour});
    CHECK(booth.said()->notification.leader == wire::kNoVote);
    booth.hear(kTwo, {PeerState::kFollowing, 3, 0, 1, 1});
    booth.hear(kThree, {PeerState::kLeading, 3, 0, 1, 1});
    CHECK(booth.election.winner() == kThree);
}

TEST_CASE("votes are told again, less and less often", "[zab][election]") {
    Booth booth;
    booth.begin(Zxid{});
    std::vector<std::int64_t> told;
    for (int n = 0; n < 1000; ++n) {
        booth.wait(Millis(10));
        if (booth.said()) told.push_back((booth.now - Instant(Millis(1000))).count());
    }
    CHECK(told == std::vector<std::int64_t>{200, 600, 1400, 3000, 6200, 9400});
}

}  // namespace
}  // namespace zabd::zab
