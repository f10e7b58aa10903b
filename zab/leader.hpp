// A leader: discovery of the epoch, synchronisation of its learners, broadcast.
//
// Phases    discovery: the epochs that a quorum has accepted, then a new one, which is ours once it is saved; a quorum
//           must promise it. Synchronisation: each learner is sent what it lacks, then NEWLEADER; once a quorum has ACKed
//           that, our history is committed, and we serve (hazard Z-26).
// Cursor    of each learner is kept only how far it was sent. What lies behind comes from the window, or from the log;
//           a congested learner is sent nothing but short packets until it has taken what waits (hazard Z-49).
// Counting  sets of voters, never numbers (hazard Z-27). A learner counts once it has ACKed NEWLEADER: then how far it
//           is durable, in one number, as it logs in order; so commits go in order (hazard Z-28).
// Stepping down a leader that has not heard a quorum for sync_limit ticks, or whose disk owes it as long, fails
//           (hazards Z-34, Z-48). One that is asked to finishes what it has proposed first, and gives up once it is
//           all delivered and a follower has all of it.
#pragma once

#include "zab/replica.hpp"
#include "zab/sync_plan.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zabd::zab {

class Leader {
public:
    /// `alone`: it leads from the start, in the epoch that is.
    Leader(Replica& replica, bool alone);

    void begin(Instant now, Outputs& out);
    void end(Outputs& out);

    void on(Instant now, const LinkOpened& opened);
    void on(Instant now, const LinkClosed& closed, Outputs& out);
    void on(Instant now, const LinkCongested& congested, Outputs& out);
    void on(Instant now, const Packet& packet, Outputs& out);
    void on(Instant now, const SnapshotOpened& opened, Outputs& out);
    void on(Instant now, const SnapshotStreamed& streamed, Outputs& out);
    void on(Instant now, const LogRead& read, Outputs& out);
    void on(Instant now, const Submit& submit, Outputs& out);
    void on(const Confirm& confirm, Outputs& out);
    void on(Instant now, const StepDown& step_down);
    void on_disk(Instant now, Outputs& out);
    void tick(Instant now, Outputs& out);

    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
    [[nodiscard]] Epoch epoch() const { return epoch_; }
    [[nodiscard]] bool established() const { return phase_ == Phase::kServing; }
    /// All of the history that we began with has been delivered.
    [[nodiscard]] bool may_serve() const { return established() && replica_.delivered() >= history_initial_; }
    [[nodiscard]] bool accepts() const;
    [[nodiscard]] Zxid next_zxid() const;
    [[nodiscard]] std::size_t synced(bool observers) const;
    [[nodiscard]] std::vector<LearnerStatus> learners() const;
    [[nodiscard]] bool can_step_down() const;
    /// Once it has failed because it stepped down: who has all that it has.
    [[nodiscard]] std::optional<ServerId> successor() const { return successor_; }
    /// A quorum, with us, has spoken within that time.
    [[nodiscard]] bool hears_quorum(Instant now, Millis within) const;
    /// Some learner may still have to be sent what lies behind it.
    [[nodiscard]] Zxid log_needed() const;

private:
    enum class Phase : std::uint8_t {
        kCollecting,  // FOLLOWERINFOs
        kPromising,   // our accepted epoch is being saved
        kPromised,    // ACKEPOCHs are collected
        kSyncing,
        kServing,
    };
    struct Learner {
        enum class Phase : std::uint8_t {
            kNew,
            kInfo,       // its FOLLOWERINFO has come
            kPromised,   // LEADERINFO is sent
            kWaiting,    // its ACKEPOCH has come, our quorum of them has not
            kOpening,    // a snapshot for it
            kStreaming,  // the snapshot
            kCatchingUp,
            kNewLeader,  // NEWLEADER is sent
            kAcked,
            kUpToDate,
        };
        LinkId link{};
        ServerId server{};
        Phase phase = Phase::kNew;
        bool votes = false;
        bool observes = false;
        bool zabd = false;
        bool no_history = false;
        bool provisional = false;
        bool congested = false;
        Zxid last;                     // of its log, as it told
        Zxid cursor;                   // it was sent all up to here
        Zxid settled;                  // of that, it was sent as committed before UPTODATE
        Zxid newleader_at;             // the cursor when NEWLEADER was sent
        std::deque<Zxid> uncommitted;  // sent to it, COMMIT not
        Zxid acked;
        Instant acked_at{};         // it went on, or owed nothing
        std::uint64_t reading = 0;  // tag; 0: nothing is being read for it
        Instant heard{};            // or made progress
        std::uint64_t pings_sent = 0;
        std::uint64_t pings_answered = 0;
    };
    using LearnerPhase = Learner::Phase;

    void take(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out);
    void take_info(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out);
    void take_ack_epoch(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out);
    void take_ack(Instant now, Learner& learner, Zxid zxid, Outputs& out);

    void choose_epoch(Outputs& out);
    void send_leader_info(Learner& learner, Outputs& out);
    void begin_sync(Instant now, Outputs& out);
    void open_sync(Learner& learner, Outputs& out);
    void count_new_leader(Instant now, Outputs& out);
    void finish_sync(Instant now, Learner& learner, Outputs& out);

    void feed(Instant now, Learner& learner, Outputs& out);
    void feed_all(Instant now, Outputs& out);
    void send_record(Learner& learner, const Record& record, Outputs& out);
    void send_commits(Learner& learner, Outputs& out);
    void commit(Instant now, Outputs& out);
    void hand_over();
    [[nodiscard]] std::optional<ServerId> best_successor() const;

    void ping(Learner& learner, Outputs& out);
    void note_mixed(bool mixed, Outputs& out);
    [[nodiscard]] bool all_are_zabd() const;
    void begin_confirmation(Outputs& out);
    void look_at_confirmation(Outputs& out);
    void look_at_learners(Instant now, Outputs& out);
    void look_at_quorum(Instant now);

    void drop(Instant now, LinkId link, std::string why, Outputs& out);
    void send(const Learner& learner, wire::PacketType type, Zxid zxid, Bytes data, Outputs& out) const;
    [[nodiscard]] Learner* find(LinkId link);
    [[nodiscard]] Zxid committed_for_learners() const;
    [[nodiscard]] bool counts_itself() const;
    [[nodiscard]] const Membership& membership() const { return replica_.options().membership; }
    [[nodiscard]] ServerId self() const { return replica_.options().self; }
    void fail(std::string why) {
        if (!failure_) failure_ = std::move(why);
    }

    Replica& replica_;
    bool alone_;
    Phase phase_ = Phase::kCollecting;
    Epoch epoch_ = 0;
    Epoch accepted_max_ = 0;
    Zxid history_initial_;
    Zxid proposed_;                         // or the start of our epoch
    std::optional<Zxid> unreadable_after_;  // there our log failed a learner
    std::map<LinkId, Learner> learners_;
    std::set<ServerId> infos_;
    std::set<ServerId> promises_;
    std::set<ServerId> new_leader_acks_;
    std::map<ServerId, Zxid> durable_;
    Instant progress_at_{};  // before we serve
    Instant ping_at_{};
    std::optional<Instant> step_down_by_;  // it steps down, or goes on leading from then on
    std::optional<ServerId> successor_;

    // A round of pings, begun after all whom it confirms had asked.
    std::map<LinkId, std::uint64_t> round_;  // the answer that counts, by learner
    std::size_t confirming_ = 0;
    std::size_t to_confirm_ = 0;  // in the next round

    std::optional<std::string> failure_;
};

}  // namespace zabd::zab
