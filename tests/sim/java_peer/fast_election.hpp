// ZooKeeper's fast leader election, as its servers of 3.8 carry it out: one round after the other until a quorum agrees, and
// answers to those who look while we do not.
//
// Source    ZooKeeper's FastLeaderElection. Nothing of zab/election is used.
// Time      200 ms of silence make a choice final; without a choice all are told again, at doubling intervals.
#pragma once

#include "tests/sim/stage.hpp"
#include "wire/election.hpp"
#include "wire/ids.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace zabd::sim {

class FastElection {
public:
    struct Around {
        Stage& stage;
        ServerId self{};
        std::set<ServerId> voters;
        std::string config_text;
        std::function<void(ServerId to, const wire::Notification&)> send;
        std::function<void(ServerId leader)> decided;
    };
    explicit FastElection(Around around) : around_(std::move(around)) {}

    /// A round begins, with a vote for ourselves.
    void look(Epoch current_epoch, Zxid last);
    /// The role that follows from the choice is on, or over.
    void set_state(wire::PeerState state) { state_ = state; }
    /// The role has come to stand in that epoch.
    void established(Epoch epoch) { current_.epoch = epoch; }
    void hear(ServerId from, const wire::Notification& notification);
    /// The process is gone; the clock of rounds with it.
    void forget();

private:
    struct Vote {
        std::int64_t leader = 0;
        std::int64_t zxid = 0;
        std::int64_t epoch = 0;
        std::int64_t round = 0;
        wire::PeerState state = wire::PeerState::kLooking;
        std::int32_t version = 0;
    };
    using Votes = std::map<ServerId, Vote>;

    [[nodiscard]] static Vote vote_of(const wire::Notification& notification);
    [[nodiscard]] static bool beats(const Vote& one, const Vote& other);
    [[nodiscard]] static bool same(const Vote& one, const Vote& other);
    [[nodiscard]] bool quorum_for(const Votes& votes, const Vote& vote) const;
    [[nodiscard]] bool leader_answers(const Votes& votes, const Vote& vote) const;
    [[nodiscard]] bool is_voter(std::int64_t server) const;

    void take(ServerId from, const wire::Notification& notification);
    void take_looking(ServerId from, const Vote& vote, std::int64_t zxid);
    void take_decided(ServerId from, Vote vote);
    void answer(ServerId to, const Vote& vote);
    void send_all();
    void wait(Duration time);
    void on_silence();
    void decide(const Vote& vote);

    Around around_;
    wire::PeerState state_ = wire::PeerState::kLooking;
    bool looking_ = false;
    std::int64_t round_ = 0;
    Vote initial_;
    Vote proposal_;
    Vote current_;  // what was decided last
    Votes received_;
    Votes outside_;  // of those who do not look
    bool final_ = false;
    Duration patience_{0};
    std::uint64_t timer_ = 0;
};

}  // namespace zabd::sim
