// Fast leader election: who is to lead, by votes that every voter sends to every voter.
//
// Source    ZooKeeper's fast leader election (docs/zab.md). A vote for a higher epoch, then zxid, then server wins.
// Departure a round is decided as soon as a quorum agrees and no voter is left that could still be heard: each has spoken
//           in this round, or the way to it is refused or broken. Only else is waited for better votes, as ZooKeeper
//           always does. A vote for a server that we did not hear in this round is not taken over: the links between
//           the others may be there, and that one not (hazard Z-56).
// Favour    a leader that has stepped down votes for the follower that it left its place to, as long as that one is there:
//           told to be so for a moment, and not heard to be gone. Then it votes as it would have.
// Amnesia   a voter without history says zxid -1: it is counted by nobody, and counts nobody. When all voters say that
//           they have nothing, and for a while none denies it, the ensemble is a fresh one, and they vote (hazard Z-15).
// Life      one object for the life of the process: it answers those who look also when we do not.
// Effects   none; time is told.
#pragma once

#include "wire/election.hpp"
#include "wire/ids.hpp"
#include "wire/time.hpp"
#include "zab/events.hpp"
#include "zab/membership.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zabd::zab {

struct Vote {
    std::int64_t leader = wire::kNoVote;
    std::int64_t zxid = wire::kNoVote;
    std::int64_t epoch = wire::kNoVote;
    friend bool operator==(const Vote&, const Vote&) = default;
};

class Election {
public:
    Election(ServerId self, Membership membership, std::string config_text);

    /// A new round. `zxid` is the last one in our log, if it may be counted.
    struct Begin {
        std::optional<Zxid> zxid;
        Epoch current_epoch = 0;
        std::optional<ServerId> favoured{};  // has all that we have, and is to lead rather than we
    };
    void begin(Instant now, const Begin& own, std::vector<Output>& out);
    void on(Instant now, const ElectionMessage& message, std::vector<Output>& out);
    void on(Instant now, const ElectionLink& link, std::vector<Output>& out);
    void tick(Instant now, std::vector<Output>& out);

    /// Of this round; stays until the next begins.
    [[nodiscard]] std::optional<ServerId> winner() const;
    /// Since then a quorum was heard to follow another server, which says that it leads.
    [[nodiscard]] bool superseded() const { return superseded_; }
    /// All voters were heard to have nothing: we may be counted.
    [[nodiscard]] bool fresh_ensemble() const { return fresh_; }
    /// The greatest that one of them had when we were: it may be by a promise of ours that we lost.
    [[nodiscard]] std::int64_t epoch_told() const { return epoch_told_; }
    /// The epoch of the winner stands: what we tell of our vote from here on.
    void established(Epoch epoch) { vote_.epoch = epoch; }

private:
    struct Heard {
        Vote vote;
        std::int64_t round = 0;
        wire::PeerState state = wire::PeerState::kLooking;
    };
    using Votes = std::map<ServerId, Heard>;

    [[nodiscard]] bool looking() const { return state_ == wire::PeerState::kLooking; }
    [[nodiscard]] bool beats(const Vote& vote, const Vote& other) const;
    [[nodiscard]] bool admissible(const ElectionMessage& message) const;
    void note_looking(const ElectionMessage& message);
    void take_looking(Instant now, const ElectionMessage& message, std::vector<Output>& out);
    void take_settled(ServerId from, const Heard& heard);
    [[nodiscard]] bool agrees(const Votes& votes, const Heard& heard) const;
    void note_settled(const ElectionMessage& message);
    void note_empty(Instant now, const ElectionMessage& message);
    void begin_fresh(Instant now, std::vector<Output>& out);
    void doubt_fresh(Instant now, const Vote& told, std::vector<Output>& out);
    void answer(const ElectionMessage& message, std::vector<Output>& out) const;
    [[nodiscard]] Vote first_choice() const;
    [[nodiscard]] Vote best_vote() const;
    void stop_favouring(Instant now, std::vector<Output>& out);
    void prefer(Instant now, const Vote& vote, std::vector<Output>& out);
    void look_for_quorum(Instant now);
    [[nodiscard]] bool all_heard() const;
    [[nodiscard]] bool leader_agrees(const Votes& votes, const Heard& heard) const;
    void decide(const Vote& vote);
    void tell_all(std::vector<Output>& out) const;
    [[nodiscard]] wire::Notification notification() const;

    ServerId self_;
    Membership membership_;
    std::string config_text_;

    wire::PeerState state_ = wire::PeerState::kLooking;
    std::int64_t round_ = 0;
    Vote own_;  // as the round began
    struct Favoured {
        ServerId server{};
        Instant until{};
    };
    std::optional<Favoured> favoured_;
    Vote vote_;            // proposed while looking, then the winner's
    bool counted_ = true;  // we have what may be counted
    bool fresh_ = false;
    std::int64_t epoch_told_ = 0;
    bool superseded_ = false;

    Votes votes_;                                 // of this round
    Votes settled_;                               // of those who follow or lead
    std::map<ServerId, std::int64_t> looked_in_;  // the round in which it looked last; without those who have nothing
    std::set<ServerId> unreachable_;
    std::map<ServerId, ElectionMessage> empty_;  // voters who have nothing, and what they said last
    std::optional<Instant> fresh_at_;            // all have nothing; counted from then on, if nobody denies it
    std::optional<Instant> decide_at_;           // a quorum agrees, and better votes are waited for until then
    Instant tell_at_{};
    Millis pause_{0};  // until the votes are told again
};

}  // namespace zabd::zab
