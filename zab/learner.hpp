// A follower or observer, from dialling its leader to being up to date, and on until it loses it.
//
// Order     of what becomes durable (hazards Z-01, Z-02, Z-17): accepted epoch -> ACKEPOCH; history -> current epoch -> ACK of
//           NEWLEADER; record -> its ACK.
// Provisional nothing received before UPTODATE counts as committed, whatever COMMITs say: a ZooKeeper leader sends its
//           uncommitted tail like that. There is one log and one commit index in every phase; COMMIT moves the index
//           (hazard Z-03).
// Patience  the leader may be silent for init_limit ticks until our ACK of NEWLEADER, from the last progress on; for
//           sync_limit ticks afterwards. While we load, a zabd leader is told that we go on.
#pragma once

#include "zab/replica.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace zabd::zab {

class Learner {
public:
    Learner(Replica& replica, ServerId leader, bool no_history);

    void begin(Instant now, Outputs& out);
    void end(Outputs& out);

    void on(Instant now, const LinkOpened& opened, Outputs& out);
    void on(const DialFailed& failed);
    /// Its election link is gone: if it has not answered us yet, it will not.
    void on_leader_lost();
    void on(const LinkClosed& closed);
    void on(Instant now, const Packet& packet, Outputs& out);
    void on(Instant now, const SnapshotProgress& progress, Outputs& out);
    /// The log or the hard state went on.
    void on_disk(Instant now, Outputs& out);
    void tick(Instant now, Outputs& out);

    /// Why it is over; nullopt: it goes on.
    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
    [[nodiscard]] ServerId leader() const { return leader_; }
    [[nodiscard]] Epoch epoch() const { return epoch_; }
    [[nodiscard]] LinkId link() const { return link_; }
    [[nodiscard]] bool up_to_date() const { return phase_ == Phase::kUpToDate; }
    /// All that was committed when we were told UPTODATE has been delivered.
    [[nodiscard]] bool may_serve() const { return up_to_date() && replica_.delivered() >= serve_from_; }

private:
    enum class Phase : std::uint8_t {
        kDialling,
        kInfoSent,   // FOLLOWERINFO
        kPromising,  // the accepted epoch is being saved
        kEpochAcked,
        kReceiving,  // a snapshot
        kSyncing,
        kSettling,  // NEWLEADER has come: the history is being made durable
        kAdopting,  // the current epoch is being saved
        kAcked,
        kUpToDate,
    };

    void take(Instant now, const wire::QuorumPacket& packet, Outputs& out);
    void take_leader_info(const wire::QuorumPacket& packet, Outputs& out);
    void ack_epoch(bool counts, Outputs& out);
    void take_opening(Instant now, const wire::QuorumPacket& packet, Outputs& out);
    void take_proposal(Instant now, const wire::QuorumPacket& packet, Outputs& out);
    void take_commit(Zxid zxid, Outputs& out);
    void take_up_to_date(Outputs& out);
    void note_fuzzy(Zxid until, Outputs& out);
    void settle(Outputs& out);
    void send_acks(Outputs& out);
    void send(wire::PacketType type, Zxid zxid, Bytes data, Outputs& out) const;
    void fail(std::string why) { failure_ = std::move(why); }
    [[nodiscard]] bool observes() const { return !replica_.options().membership.votes(replica_.options().self); }

    Replica& replica_;
    ServerId leader_;
    bool no_history_;
    Phase phase_ = Phase::kDialling;
    LinkId link_ = LinkId::kNone;
    Epoch epoch_ = 0;
    bool zabd_ = false;                          // the leader is
    std::optional<wire::ClusterSecret> secret_;  // of session passwords, as the leader has it
    Zxid commit_seen_;
    Zxid acked_;
    Zxid serve_from_;
    Zxid snapshot_;
    bool installed_ = false;  // it has taken the place of what we had
    Zxid settle_at_;          // what came before NEWLEADER
    Instant heard_{};
    Instant told_{};  // that we go on loading
    std::optional<std::string> failure_;
};

}  // namespace zabd::zab
