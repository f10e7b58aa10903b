// Peers whose packets cannot be: they lose their link, and we go on.
#include "wire/jute.hpp"
#include "zab/participant.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::zab {
namespace {

using wire::PacketType;

constexpr LinkId kLink{7};
constexpr LinkId kOther{8};
constexpr Zxid kLast = Zxid::of(1, 5);  // of the log, as it starts

Bytes current_epoch(std::int32_t epoch) { return Bytes::copy_of(wire::encoded(epoch)); }

/// Server 1 of three, with a history of five records, and a disk that answers at once.
class Victim {
public:
    Victim()
        : participant_({.membership = Membership({ServerId{1}, ServerId{2}, ServerId{3}})},
                       {.hard_state = {.accepted_epoch = 1, .current_epoch = 1, .has_history = true}}) {
        for (Counter counter = 1; counter <= 5; ++counter)
            step(Logged{Zxid::of(1, counter), Bytes::copy_of("of before")});
        step(Start{});
    }

    void step(const Input& input) {
        std::vector<Output> out;
        participant_.step(Instant(Millis(0)), input, out);
        for (const auto& output : out) {
            if (const auto* append = std::get_if<AppendToLog>(&output)) step(LogDurable{append->zxid});
            if (const auto* truncate = std::get_if<TruncateLog>(&output)) step(LogTruncated{truncate->up_to});
            if (std::holds_alternative<SaveHardState>(output)) step(HardStateSaved{});
            if (const auto* close = std::get_if<CloseLink>(&output)) closed_ = close->reason;
            if (const auto* send = std::get_if<SendPacket>(&output)) sent_ = send->packet;
        }
    }
    void hear(PacketType type, Zxid zxid, Bytes data = {}) { hear_on(kLink, type, zxid, std::move(data)); }
    void hear_on(LinkId link, PacketType type, Zxid zxid, Bytes data = {}) {
        step(Packet{link, {type, zxid, std::move(data)}});
    }
    void hear_vote(int from, wire::Notification vote) { step(ElectionMessage{ServerId(from), std::move(vote)}); }

    /// Up to date, behind a leader of epoch 2 who has the same history.
    void follow() {
        dial();
        hear(PacketType::kLeaderInfo, Zxid::of(2, 0), encoded_info(wire::LeaderInfo{}));
    }
    void dial() {
        hear_vote(2, {.state = wire::PeerState::kLeading, .leader = 2, .round = 1, .epoch = 1});
        hear_vote(3, {.state = wire::PeerState::kFollowing, .leader = 2, .round = 1, .epoch = 1});
        step(LinkOpened{kLink, true});
    }
    void catch_up() {
        hear(PacketType::kDiff, kLast);
        hear(PacketType::kNewLeader, Zxid::of(2, 0));
        hear(PacketType::kUpToDate, kZxidUnknown);
        REQUIRE(participant_.serving());
    }
    /// Serving, with server 2 up to date.
    void lead() {
        win();
        come(kLink, 2, 1);
    }
    void win() {
        const auto zxid = static_cast<std::int64_t>(kLast.value);
        for (const int from : {2, 3}) hear_vote(from, {.leader = 1, .zxid = zxid, .round = 1, .epoch = 2});
    }
    /// A learner that has accepted that epoch.
    void come(LinkId link, std::int64_t server, Epoch accepted) {
        step(LinkOpened{link, false});
        hear_on(link, PacketType::kFollowerInfo, Zxid::of(accepted, 0),
                encoded_info(wire::LearnerInfo{.server = server, .zabd = true}));
    }
    void bring_up() {
        hear(PacketType::kAckEpoch, kLast, current_epoch(1));
        hear(PacketType::kAck, Zxid::of(2, 0));
        REQUIRE(participant_.serving());
    }
    void propose() { step(Submit{participant_.next_zxid(), Bytes::copy_of("mine")}); }

    [[nodiscard]] const Participant& participant() const { return participant_; }
    [[nodiscard]] const std::string& closed() const { return closed_; }
    [[nodiscard]] const wire::QuorumPacket& sent() const { return sent_; }  // last

private:
    Participant participant_;
    std::string closed_;
    wire::QuorumPacket sent_;
};

TEST_CASE("a leader cannot have what is committed taken back", "[zab][liar]") {
    Victim victim;
    victim.follow();
    victim.catch_up();
    REQUIRE(victim.participant().zxid_committed() == kLast);
    victim.step(LinkClosed{kLink});
    victim.follow();
    SECTION("by TRUNC") { victim.hear(PacketType::kTrunc, Zxid::of(1, 3)); }
    SECTION("by SNAP") { victim.hear(PacketType::kSnap, Zxid::of(1, 3)); }
    CHECK_FALSE(victim.closed().empty());
    CHECK(victim.participant().zxid_proposed() == kLast);
}

TEST_CASE("COMMIT names what was proposed, also between the epochs", "[zab][liar]") {
    Victim victim;
    victim.follow();
    victim.catch_up();
    victim.hear(PacketType::kProposal, Zxid::of(2, 1), Bytes::copy_of("theirs"));
    victim.hear(PacketType::kCommit, Zxid::of(1, 9));
    CHECK(victim.closed() == "COMMIT of what was not proposed");
    CHECK(victim.participant().zxid_committed() == kLast);
}

TEST_CASE("ACK names what was sent, also between the epochs", "[zab][liar]") {
    Victim victim;
    victim.lead();
    victim.bring_up();
    victim.propose();
    victim.hear(PacketType::kAck, Zxid::of(1, 9));
    CHECK(victim.closed() == "ACK of what it was not sent");
    CHECK(victim.participant().zxid_committed() == kLast);
}

// --- epochs that nobody can have reached ---

TEST_CASE("a learner does not drive the ensemble out of epochs", "[zab][liar]") {
    const auto accepted = GENERATE(values<Epoch>({kEpochMax, kEpochMax + 1, ~Epoch{0}}));
    CAPTURE(accepted);
    Victim victim;
    victim.win();
    SECTION("while the next epoch is looked for") {
        victim.come(kOther, 3, accepted);
        CHECK(victim.closed() == "it has accepted an epoch that cannot be");
        victim.come(kLink, 2, 1);
        CHECK(victim.sent().type == PacketType::kLeaderInfo);
        CHECK(victim.sent().zxid == Zxid::of(2, 0));
        victim.bring_up();
    }
    SECTION("of a leader in office") {
        victim.come(kLink, 2, 1);
        victim.bring_up();
        victim.come(kOther, 3, accepted);
        CHECK(victim.closed() == "it has accepted an epoch that cannot be");
    }
    CHECK(victim.participant().serving());
    CHECK(victim.participant().hard_state().accepted_epoch == 2);
}

TEST_CASE("who is no member does not drive the ensemble out of epochs", "[zab][liar]") {
    Victim victim;
    victim.win();
    victim.come(kOther, 200, kEpochMax - 1);
    victim.come(kLink, 2, 1);
    CHECK(victim.sent().type == PacketType::kLeaderInfo);
    CHECK(victim.sent().zxid == Zxid::of(2, 0));
}

TEST_CASE("a leader whose epoch cannot be is promised nothing", "[zab][liar]") {
    const auto epoch = GENERATE(values<Epoch>({kEpochMax, kEpochMax + 1, ~Epoch{0}}));
    CAPTURE(epoch);
    Victim victim;
    victim.dial();
    victim.hear(PacketType::kLeaderInfo, Zxid::of(epoch, 0), encoded_info(wire::LeaderInfo{}));
    CHECK(victim.closed() == "the leader's epoch cannot be");
    CHECK(victim.participant().hard_state().accepted_epoch == 1);
    victim.follow();
    victim.catch_up();
}

TEST_CASE("who claims to know of an epoch that cannot be is no part of a quorum", "[zab][liar]") {
    struct Case {
        std::int32_t current;
        Zxid last;
    };
    const auto c = GENERATE(values<Case>({
        {std::numeric_limits<std::int32_t>::max(), kLast},
        {std::numeric_limits<std::int32_t>::min(), kLast},
        {-2, kLast},
        {1, Zxid::of(kEpochMax, 1)},
        {1, Zxid{~std::uint64_t{0} - 1}},
    }));
    CAPTURE(c.current, c.last.value);
    Victim victim;
    victim.lead();
    victim.hear(PacketType::kAckEpoch, c.last, current_epoch(c.current));
    victim.hear(PacketType::kAck, Zxid::of(2, 0));
    CHECK_FALSE(victim.participant().serving());
    victim.come(kOther, 3, 1);
    victim.hear_on(kOther, PacketType::kAckEpoch, kLast, current_epoch(1));
    victim.hear_on(kOther, PacketType::kAck, Zxid::of(2, 0));
    CHECK(victim.participant().serving());
    CHECK(victim.participant().hard_state().current_epoch == 2);
}

TEST_CASE("a proposal or a snapshot of an epoch that has not begun is not taken", "[zab][liar]") {
    const auto epoch = GENERATE(values<Epoch>({3, kEpochMax, ~Epoch{0}}));
    CAPTURE(epoch);
    Victim victim;
    victim.follow();
    SECTION("a proposal") {
        victim.catch_up();
        victim.hear(PacketType::kProposal, Zxid::of(epoch, 1), Bytes::copy_of("theirs"));
        CHECK(victim.closed() == "a proposal of a later epoch");
    }
    SECTION("a snapshot") {
        victim.hear(PacketType::kSnap, Zxid::of(epoch, 1));
        CHECK(victim.closed() == "SNAP of a later epoch");
    }
    CHECK(victim.participant().zxid_proposed() == kLast);
}

TEST_CASE("a vote of an epoch below all others wins nothing", "[zab][liar]") {
    const auto epoch = GENERATE(std::numeric_limits<std::int64_t>::min(), std::int64_t{-1});
    CAPTURE(epoch);
    Victim victim;
    const auto zxid = std::numeric_limits<std::int64_t>::max();
    victim.hear_vote(2, {.leader = 2, .zxid = zxid, .round = 1, .epoch = epoch});
    victim.hear_vote(3, {.leader = 1, .zxid = static_cast<std::int64_t>(kLast.value), .round = 1, .epoch = 1});
    victim.hear_vote(2, {.leader = 1, .zxid = static_cast<std::int64_t>(kLast.value), .round = 1, .epoch = 1});
    CHECK(victim.participant().leader() == ServerId{1});
}

TEST_CASE("a round of the election without a next one does no harm", "[zab][liar]") {
    Victim victim;
    victim.hear_vote(2, {.leader = 2, .zxid = 0, .round = std::numeric_limits<std::int64_t>::max(), .epoch = 9});
    victim.hear_vote(3, {.leader = 2, .zxid = 0, .round = std::numeric_limits<std::int64_t>::max(), .epoch = 9});
    victim.step(DialFailed{});
    victim.step(Tick{});
    CHECK(victim.participant().role() == Role::kLooking);
}

}  // namespace
}  // namespace zabd::zab
