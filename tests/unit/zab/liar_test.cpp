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
constexpr Zxid kLast = Zxid::of(1, 5);  // of the log, as it starts

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
        }
    }
    void hear(PacketType type, Zxid zxid, Bytes data = {}) { step(Packet{kLink, {type, zxid, std::move(data)}}); }
    void hear_vote(int from, wire::Notification vote) { step(ElectionMessage{ServerId(from), std::move(vote)}); }

    /// Up to date, behind a leader of epoch 2 who has the same history.
    void follow() {
        hear_vote(2, {.state = wire::PeerState::kLeading, .leader = 2, .round = 1, .epoch = 1});
        hear_vote(3, {.state = wire::PeerState::kFollowing, .leader = 2, .round = 1, .epoch = 1});
        step(LinkOpened{kLink, true});
        hear(PacketType::kLeaderInfo, Zxid::of(2, 0), encoded_info(wire::LeaderInfo{}));
    }
    void catch_up() {
        hear(PacketType::kDiff, kLast);
        hear(PacketType::kNewLeader, Zxid::of(2, 0));
        hear(PacketType::kUpToDate, kZxidUnknown);
        REQUIRE(participant_.serving());
    }
    /// Serving, with server 2 up to date.
    void lead() {
        const auto zxid = static_cast<std::int64_t>(kLast.value);
        for (const int from : {2, 3}) hear_vote(from, {.leader = 1, .zxid = zxid, .round = 1, .epoch = 2});
        step(LinkOpened{kLink, false});
        hear(PacketType::kFollowerInfo, Zxid::of(1, 0), encoded_info(wire::LearnerInfo{.server = 2, .zabd = true}));
    }
    void bring_up() {
        hear(PacketType::kAckEpoch, kLast, Bytes::copy_of(wire::encoded(std::int32_t{1})));
        hear(PacketType::kAck, Zxid::of(2, 0));
        REQUIRE(participant_.serving());
    }
    void propose() { step(Submit{participant_.next_zxid(), Bytes::copy_of("mine")}); }

    [[nodiscard]] const Participant& participant() const { return participant_; }
    [[nodiscard]] const std::string& closed() const { return closed_; }

private:
    Participant participant_;
    std::string closed_;
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

TEST_CASE("a snapshot of an epoch that has not begun is not taken", "[zab][liar]") {
    Victim victim;
    victim.follow();
    victim.hear(PacketType::kSnap, kZxidUnknown);
    CHECK(victim.closed() == "SNAP of a later epoch");
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
