#include "zab/election.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace zabd::zab {
namespace {

using wire::Notification;
using wire::PeerState;

constexpr Millis kBetterVotes{200};  // after the last better one
constexpr Millis kDenials{200};      // what told us that all have nothing may have been said long ago
constexpr Millis kFavour{1000};      // for who is favoured to be heard, and elected
constexpr Millis kTellFirst{200};
constexpr Millis kTellMax{3200};

std::int64_t number(ServerId server) { return static_cast<std::int64_t>(server); }

std::optional<ServerId> server_of(std::int64_t id) {
    if (id < 0 || id > std::numeric_limits<std::uint8_t>::max()) return std::nullopt;
    return ServerId{static_cast<std::uint8_t>(id)};
}

Vote vote_of(const Notification& notification) { return {notification.leader, notification.zxid, notification.epoch}; }

/// Nothing was ever logged, or what was has been lost with the hard state. One that lost its history alone has an epoch.
bool has_nothing(const Vote& vote) { return vote.zxid == 0 || (vote.zxid == -1 && vote.epoch == 0); }

}  // namespace

Election::Election(ServerId self, Membership membership, std::string config_text)
    : self_(self), membership_(std::move(membership)), config_text_(std::move(config_text)) {}

// --- a round ---------------------------------------------------------------------------------------------------------

void Election::begin(Instant now, const Begin& own, std::vector<Output>& out) {
    state_ = PeerState::kLooking;
    if (round_ < std::numeric_limits<std::int64_t>::max()) ++round_;  // a peer may have told any
    fresh_ = fresh_ && own.zxid == Zxid{};
    counted_ = own.zxid.has_value();
    votes_.clear();
    settled_.clear();
    decide_at_.reset();
    favoured_.reset();
    own_ = {};
    if (membership_.votes(self_)) {
        const auto zxid = counted_ ? static_cast<std::int64_t>(own.zxid.value_or(Zxid{}).value) : -1;
        own_ = {number(self_), zxid, own.current_epoch};
    }
    if (own.favoured && counted_ && membership_.votes(self_)) favoured_ = {*own.favoured, now + kFavour};
    vote_ = first_choice();
    if (counted_ && membership_.votes(self_)) votes_[self_] = {vote_, round_, PeerState::kLooking};
    pause_ = kTellFirst;
    tell_at_ = now + pause_;
    tell_all(out);
    look_for_quorum(now);
}

void Election::on(Instant now, const ElectionMessage& message, std::vector<Output>& out) {
    unreachable_.erase(message.from);
    answer(message, out);
    if (!admissible(message)) return;
    const auto& said = message.notification;
    if (said.state == PeerState::kLooking) note_looking(message);
    if (!looking()) return note_settled(message);
    doubt_fresh(now, vote_of(said), out);
    note_empty(now, message);
    if (said.state == PeerState::kLooking) {
        if (counted_ && said.zxid != -1) take_looking(now, message, out);
        if (const auto best = best_vote(); counted_ && best != vote_) prefer(now, best, out);
        look_for_quorum(now);
    } else if (said.state != PeerState::kObserving) {
        take_settled(message.from, {vote_of(said), said.round, said.state});
    }
}

bool Election::admissible(const ElectionMessage& message) const {
    const auto leader = server_of(message.notification.leader);
    return membership_.votes(message.from) && leader && membership_.votes(*leader);
}

/// Who has lost what it had is not to be voted for any more, whatever others remember.
void Election::note_looking(const ElectionMessage& message) {
    if (message.notification.zxid == -1) {
        looked_in_.erase(message.from);
    } else {
        looked_in_[message.from] = message.notification.round;
    }
}

void Election::take_looking(Instant now, const ElectionMessage& message, std::vector<Output>& out) {
    const auto& said = message.notification;
    const auto vote = vote_of(said);
    if (said.round < round_) return;
    const bool anew = said.round > round_;
    if (anew) {
        round_ = said.round;
        votes_.clear();
        vote_ = own_;
    }
    votes_[message.from] = {vote, said.round, PeerState::kLooking};
    if (anew) prefer(now, best_vote(), out);
}

/// What we vote for before we hear of better ones. Of whom we favour its own word counts for more than what we know.
Vote Election::first_choice() const {
    if (!favoured_) return own_;
    const auto server = number(favoured_->server);
    const auto heard = votes_.find(favoured_->server);
    const bool votes_for_itself =
        heard != votes_.end() && heard->second.state == PeerState::kLooking && heard->second.vote.leader == server;
    return votes_for_itself ? heard->second.vote : Vote{server, own_.zxid, own_.epoch};
}

void Election::stop_favouring(Instant now, std::vector<Output>& out) {
    favoured_.reset();
    if (!looking()) return;
    if (const auto best = best_vote(); counted_ && best != vote_) prefer(now, best, out);
}

/// Of ours and those told, for servers that we hear ourselves in this round: who is elected by those whom it does not reach
/// cannot lead them (hazard Z-56).
Vote Election::best_vote() const {
    auto best = first_choice();
    for (const auto& [from, heard] : votes_) {
        if (favoured_ && from == self_) continue;  // what we said before the favoured one was heard
        if (heard.state != PeerState::kLooking || !beats(heard.vote, best)) continue;
        const auto leader = *server_of(heard.vote.leader);
        const auto looked = looked_in_.find(leader);
        if (leader == self_ || (looked != looked_in_.end() && looked->second == round_)) best = heard.vote;
    }
    return best;
}

void Election::take_settled(ServerId from, const Heard& heard) {
    if (heard.round == round_) {
        votes_[from] = heard;
        if (agrees(votes_, heard)) return decide(heard.vote);
    }
    settled_[from] = heard;
    if (!agrees(settled_, heard)) return;
    round_ = heard.round;
    decide(heard.vote);
}

/// Does a quorum of them, and the leader itself, say what this one says?
bool Election::agrees(const Votes& votes, const Heard& heard) const {
    std::set<ServerId> servers;
    for (const auto& [server, other] : votes) {
        const bool same =
            other.state == PeerState::kLooking
                ? other.vote == heard.vote && other.round == heard.round
                : other.vote.leader == heard.vote.leader && (&votes == &votes_ || other.vote.epoch == heard.vote.epoch);
        if (same) servers.insert(server);
    }
    return membership_.has_quorum(servers) && leader_agrees(votes, heard);
}

/// Whom we decided for may have been late, and nobody else may follow it.
void Election::note_settled(const ElectionMessage& message) {
    const auto& said = message.notification;
    if (said.state != PeerState::kFollowing && said.state != PeerState::kLeading) return;
    const Heard heard{vote_of(said), said.round, said.state};
    settled_[message.from] = heard;
    const bool another = heard.vote.leader != vote_.leader && heard.vote.leader != number(self_);
    if (another && agrees(settled_, heard)) superseded_ = true;
}

/// A leader that has not said so itself may be one that died: its followers may not have noticed yet.
bool Election::leader_agrees(const Votes& votes, const Heard& heard) const {
    // We may have been elected before we have heard so; not before we lost what made us worth it.
    if (heard.vote.leader == number(self_)) return heard.round == round_ && counted_;
    const auto leader = votes.find(*server_of(heard.vote.leader));
    return leader != votes.end() && leader->second.state == PeerState::kLeading;
}

/// What told us that all is new may have been said long ago: ZooKeeper's servers say their last word again on a new link.
void Election::doubt_fresh(Instant now, const Vote& told, std::vector<Output>& out) {
    if (!fresh_ || own_.zxid != 0 || own_.epoch != 0 || has_nothing(told)) return;
    fresh_ = counted_ = false;
    favoured_.reset();
    votes_.clear();
    own_.zxid = -1;
    prefer(now, own_, out);
}

/// A voter's last word. That of one who follows or leads says that there is an ensemble already.
void Election::note_empty(Instant now, const ElectionMessage& message) {
    if (counted_ || !has_nothing(own_) || !membership_.votes(self_)) return;
    if (message.notification.state != PeerState::kLooking || !has_nothing(vote_of(message.notification))) {
        empty_.erase(message.from);
        fresh_at_.reset();
        return;
    }
    empty_.insert_or_assign(message.from, message);
    const bool all = std::ranges::all_of(membership_.voters(),
                                         [&](ServerId voter) { return voter == self_ || empty_.contains(voter); });
    if (all && !fresh_at_) fresh_at_ = now + kDenials;
}

void Election::begin_fresh(Instant now, std::vector<Output>& out) {
    fresh_at_.reset();
    fresh_ = counted_ = true;
    own_.zxid = 0;
    votes_[self_] = {own_, round_, PeerState::kLooking};
    prefer(now, own_, out);
    for (const auto& [voter, said] : std::exchange(empty_, {})) {
        if (said.notification.zxid == -1) continue;
        epoch_told_ = std::max(epoch_told_, said.notification.epoch);
        take_looking(now, said, out);
    }
    look_for_quorum(now);
}

// --- decision --------------------------------------------------------------------------------------------------------

bool Election::beats(const Vote& vote, const Vote& other) const {
    const auto leader = server_of(vote.leader);
    if (!leader || !membership_.may_lead(*leader)) return false;
    return std::tie(vote.epoch, vote.zxid, vote.leader) > std::tie(other.epoch, other.zxid, other.leader);
}

void Election::prefer(Instant now, const Vote& vote, std::vector<Output>& out) {
    vote_ = vote;
    if (counted_ && membership_.votes(self_)) votes_[self_] = {vote_, round_, PeerState::kLooking};
    if (decide_at_) decide_at_ = now + kBetterVotes;
    tell_all(out);
}

void Election::look_for_quorum(Instant now) {
    if (!looking()) return;
    std::set<ServerId> servers;
    for (const auto& [server, heard] : votes_)
        if (heard.vote == vote_ && heard.round == round_) servers.insert(server);
    if (!membership_.has_quorum(servers)) return decide_at_.reset();
    if (all_heard()) return decide(vote_);
    if (!decide_at_) decide_at_ = now + kBetterVotes;
}

bool Election::all_heard() const {
    return std::ranges::all_of(membership_.voters(), [&](ServerId voter) {
        return voter == self_ || votes_.contains(voter) || unreachable_.contains(voter);
    });
}

void Election::decide(const Vote& vote) {
    vote_ = vote;
    decide_at_.reset();
    settled_.clear();
    superseded_ = false;
    if (vote.leader == number(self_)) {
        state_ = PeerState::kLeading;
    } else {
        state_ = membership_.votes(self_) ? PeerState::kFollowing : PeerState::kObserving;
    }
}

std::optional<ServerId> Election::winner() const {
    if (looking()) return std::nullopt;
    return server_of(vote_.leader);
}

void Election::on(Instant now, const ElectionLink& link, std::vector<Output>& out) {
    if (link.up) {
        const bool back = unreachable_.erase(link.peer) != 0;
        if (back && looking())
            out.emplace_back(SendNotification{{link.peer}, notification()});  // what the last link swallowed
    } else {
        unreachable_.insert(link.peer);
        if (favoured_ && favoured_->server == link.peer) stop_favouring(now, out);
        look_for_quorum(now);
    }
}

void Election::tick(Instant now, std::vector<Output>& out) {
    if (!looking()) return;
    if (fresh_at_ && !counted_ && now >= *fresh_at_) begin_fresh(now, out);
    if (favoured_ && now >= favoured_->until) stop_favouring(now, out);
    look_for_quorum(now);
    if (looking() && decide_at_ && now >= *decide_at_) return decide(vote_);
    if (!looking() || now < tell_at_) return;
    tell_all(out);
    pause_ = std::min(pause_ * 2, kTellMax);
    tell_at_ = now + pause_;
}

// --- what we say -----------------------------------------------------------------------------------------------------

void Election::answer(const ElectionMessage& message, std::vector<Output>& out) const {
    const auto& said = message.notification;
    // An observer's word counts for nobody: it would only be answered in turn.
    if (said.state != PeerState::kLooking || !membership_.votes(self_)) return;
    const bool outsider = !membership_.votes(message.from);
    const bool behind = looking() && said.round < round_;
    // It may have been following still when we told it of our vote, and must hear us in this round, even if we agree: else
    // it waits for us to speak.
    const auto looked = looked_in_.find(message.from);
    const bool first = admissible(message) && (looked == looked_in_.end() || looked->second != said.round);
    const bool unaware =
        looking() && said.round == round_ && counted_ && said.zxid != -1 && (first || beats(vote_, vote_of(said)));
    const bool asks = !looking();
    if (outsider || behind || unaware || asks) out.emplace_back(SendNotification{{message.from}, notification()});
}

void Election::tell_all(std::vector<Output>& out) const {
    SendNotification send{{}, notification()};
    for (const auto voter : membership_.voters())
        if (voter != self_) send.to.push_back(voter);
    if (!send.to.empty()) out.emplace_back(std::move(send));
}

Notification Election::notification() const {
    return {.state = state_,
            .leader = vote_.leader,
            .zxid = vote_.zxid,
            .round = round_,
            .epoch = vote_.epoch,
            .version = 2,
            .config = config_text_};
}

}  // namespace zabd::zab
