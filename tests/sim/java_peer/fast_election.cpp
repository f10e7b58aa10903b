#include "tests/sim/java_peer/fast_election.hpp"

#include <algorithm>
#include <tuple>

namespace zabd::sim {

using wire::PeerState;

namespace {

constexpr Duration kFinalize = milliseconds(200);
constexpr Duration kPatienceMax = seconds(60);

}  // namespace

FastElection::Vote FastElection::vote_of(const wire::Notification& notification) {
    return {.leader = notification.leader,
            .zxid = notification.zxid,
            .epoch = notification.epoch,
            .round = notification.round,
            .state = notification.state,
            .version = notification.version};
}

bool FastElection::beats(const Vote& one, const Vote& other) {
    return std::tie(one.epoch, one.zxid, one.leader) > std::tie(other.epoch, other.zxid, other.leader);
}

bool FastElection::same(const Vote& one, const Vote& other) {
    if (one.state == PeerState::kLooking || other.state == PeerState::kLooking)
        return std::tie(one.leader, one.zxid, one.round, one.epoch) ==
               std::tie(other.leader, other.zxid, other.round, other.epoch);
    if ((one.version == 0) != (other.version == 0)) return one.leader == other.leader;
    return one.leader == other.leader && one.epoch == other.epoch;
}

bool FastElection::quorum_for(const Votes& votes, const Vote& vote) const {
    const auto agree = std::ranges::count_if(votes, [&](const auto& one) { return same(one.second, vote); });
    return static_cast<std::size_t>(agree) > around_.voters.size() / 2;
}

/// The leader itself says so; of us: in this round.
bool FastElection::leader_answers(const Votes& votes, const Vote& vote) const {
    if (vote.leader == static_cast<std::int64_t>(around_.self)) return round_ == vote.round;
    const auto leader = votes.find(static_cast<ServerId>(vote.leader));
    return leader != votes.end() && leader->second.state == PeerState::kLeading;
}

bool FastElection::is_voter(std::int64_t server) const {
    return server >= 0 && server <= 254 && around_.voters.contains(static_cast<ServerId>(server));
}

// --- looking ---------------------------------------------------------------------------------------------------------

void FastElection::look(Epoch current_epoch, Zxid last) {
    state_ = PeerState::kLooking;
    looking_ = true;
    final_ = false;
    ++round_;
    received_.clear();
    outside_.clear();
    initial_ = {.leader = static_cast<std::int64_t>(around_.self),
                .zxid = static_cast<std::int64_t>(last.value),
                .epoch = current_epoch,
                .round = round_,
                .state = PeerState::kLooking,
                .version = 2};
    proposal_ = initial_;
    patience_ = kFinalize;
    send_all();
    wait(patience_);
}

void FastElection::forget() {
    ++timer_;
    looking_ = false;
    round_ = 0;
    current_ = {};
}

void FastElection::send_all() {
    proposal_.round = round_;
    for (const auto to : around_.voters) answer(to, proposal_);
}

void FastElection::answer(ServerId to, const Vote& vote) {
    const wire::Notification notification{.state = state_,
                                          .leader = vote.leader,
                                          .zxid = vote.zxid,
                                          .round = vote.round,
                                          .epoch = vote.epoch,
                                          .config = around_.config_text};
    if (to != around_.self) return around_.send(to, notification);
    around_.stage.queue.after(Duration(0), [this, notification] { hear(around_.self, notification); });
}

void FastElection::wait(Duration time) {
    around_.stage.queue.after(time, [this, timer = ++timer_] {
        if (timer == timer_ && looking_) on_silence();
    });
}

void FastElection::on_silence() {
    if (final_) return decide(proposal_);
    send_all();
    patience_ = std::min(patience_ * 2, kPatienceMax);
    wait(patience_);
}

void FastElection::decide(const Vote& vote) {
    looking_ = false;
    ++timer_;
    current_ = vote;
    current_.round = round_;
    around_.decided(static_cast<ServerId>(vote.leader));
}

// --- hearing ---------------------------------------------------------------------------------------------------------

void FastElection::hear(ServerId from, const wire::Notification& notification) {
    if (!around_.voters.contains(from)) {
        auto told = looking_ ? proposal_ : current_;
        told.round = round_;
        return answer(from, told);
    }
    if (looking_) {
        const bool behind = notification.state == PeerState::kLooking && notification.round < round_;
        if (behind) answer(from, proposal_);
        take(from, notification);
    } else if (state_ != PeerState::kLooking && notification.state == PeerState::kLooking && from != around_.self) {
        answer(from, current_);
    }
}

void FastElection::take(ServerId from, const wire::Notification& notification) {
    const auto vote = vote_of(notification);
    if (final_) {
        if (!beats(vote, proposal_)) return wait(kFinalize);
        final_ = false;
    }
    if (is_voter(notification.leader)) {
        if (notification.state == PeerState::kLooking) take_looking(from, vote, notification.zxid);
        if (notification.state == PeerState::kFollowing || notification.state == PeerState::kLeading)
            take_decided(from, vote);
    }
    if (looking_) wait(final_ ? kFinalize : patience_);
}

void FastElection::take_looking(ServerId from, const Vote& vote, std::int64_t zxid) {
    if (zxid == -1 || initial_.zxid == -1) return;
    if (vote.round > round_) {
        round_ = vote.round;
        received_.clear();
        proposal_ = beats(vote, initial_) ? vote : initial_;
        send_all();
    } else if (vote.round < round_) {
        return;
    } else if (beats(vote, proposal_)) {
        proposal_ = vote;
        send_all();
    }
    received_[from] = vote;
    auto mine = proposal_;
    mine.round = round_;
    mine.state = PeerState::kLooking;
    final_ = quorum_for(received_, mine);
}

void FastElection::take_decided(ServerId from, Vote vote) {
    if (vote.round == round_) {
        auto in_round = vote;
        in_round.version = 0;
        received_[from] = in_round;
        if (quorum_for(received_, vote) && leader_answers(received_, vote)) return decide(vote);
    }
    outside_[from] = vote;
    if (!quorum_for(outside_, vote) || !leader_answers(outside_, vote)) return;
    round_ = vote.round;
    decide(vote);
}

}  // namespace zabd::sim
