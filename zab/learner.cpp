#include "zab/learner.hpp"

#include "wire/jute.hpp"

#include <algorithm>
#include <utility>

namespace zabd::zab {

using wire::PacketType;

namespace {

Zxid start_of(Epoch epoch) { return Zxid::of(epoch, 0); }

}  // namespace

Learner::Learner(Replica& replica, ServerId leader, bool no_history)
    : replica_(replica),
      leader_(leader),
      no_history_(no_history),
      commit_seen_(replica.committed()),
      acked_(replica.history().last()) {}

void Learner::begin(Instant now, Outputs& out) {
    heard_ = told_ = now;
    out.emplace_back(Dial{leader_});
}

void Learner::end(Outputs& out) {
    if (phase_ == Phase::kReceiving) out.emplace_back(DropSnapshot{});
    if (link_ != LinkId::kNone) out.emplace_back(CloseLink{link_, failure_.value_or("")});
}

void Learner::send(PacketType type, Zxid zxid, Bytes data, Outputs& out) const {
    out.emplace_back(SendPacket{link_, {type, zxid, std::move(data)}});
}

// --- the link --------------------------------------------------------------------------------------------------------

void Learner::on(Instant now, const LinkOpened& opened, Outputs& out) {
    if (!opened.dialled || phase_ != Phase::kDialling) {
        out.emplace_back(CloseLink{opened.link, "not the leader"});
        return;
    }
    link_ = opened.link;
    heard_ = now;
    phase_ = Phase::kInfoSent;
    const auto self = static_cast<std::int64_t>(replica_.options().self);
    const wire::LearnerInfo info{.server = self,
                                 .zabd = true,
                                 .no_history = no_history_,
                                 .mixed = replica_.hard_state().mixed(),
                                 .provisional = replica_.hard_state().provisional};
    send(observes() ? PacketType::kObserverInfo : PacketType::kFollowerInfo,
         start_of(replica_.hard_state().accepted_epoch), encoded_info(info), out);
}

void Learner::on(const DialFailed&) {
    if (phase_ == Phase::kDialling) fail("the leader cannot be reached");
}

void Learner::on_leader_lost() {
    if (phase_ == Phase::kDialling) fail("the leader is gone before it was reached");
}

void Learner::on(const LinkClosed& closed) {
    if (closed.link == link_) fail("the leader's connection is gone");
}

void Learner::tick(Instant now, Outputs& out) {
    const auto& options = replica_.options();
    const bool loading = phase_ == Phase::kSettling || phase_ == Phase::kAdopting;
    if (loading) heard_ = now;  // it waits for us
    const bool goes_on = phase_ > Phase::kEpochAcked && phase_ < Phase::kAcked && heard_ > told_;
    if (zabd_ && goes_on && now - told_ >= options.tick / 2) {
        told_ = now;
        send(PacketType::kPing, Zxid{}, Bytes::copy_of(""), out);
    }
    const bool syncing = phase_ < Phase::kAcked;
    if (now - heard_ > replica_.ticks(syncing ? options.init_limit : options.sync_limit)) fail("the leader is silent");
}

// --- packets ---------------------------------------------------------------------------------------------------------

void Learner::on(Instant now, const Packet& packet, Outputs& out) {
    if (packet.link != link_ || failure_) return;
    heard_ = now;
    take(now, packet.packet, out);
}

void Learner::take(Instant now, const wire::QuorumPacket& packet, Outputs& out) {
    switch (packet.type) {
        case PacketType::kLeaderInfo: return take_leader_info(packet, out);
        case PacketType::kDiff:
        case PacketType::kTrunc:
        case PacketType::kSnap: return take_opening(now, packet, out);
        case PacketType::kProposal: return take_proposal(now, packet, out);
        case PacketType::kCommit: return take_commit(packet.zxid, out);
        case PacketType::kInform:
            take_proposal(now, packet, out);
            if (!failure_) take_commit(packet.zxid, out);
            return;
        case PacketType::kNewLeader:
            if (phase_ != Phase::kSyncing || packet.zxid != start_of(epoch_)) return fail("NEWLEADER out of place");
            phase_ = Phase::kSettling;
            settle_at_ = replica_.history().last();
            // If the leader goes away now, we have all of it nevertheless.
            if (installed_ && !zabd_) note_fuzzy(settle_at_, out);
            acked_ = std::max(acked_, commit_seen_);
            return settle(out);
        case PacketType::kUpToDate: return take_up_to_date(out);
        case PacketType::kPing:
            if (zabd_) replica_.note_mixed(!packet.data.view().empty(), out);
            if (phase_ == Phase::kUpToDate) out.emplace_back(AnswerPing{link_, packet.zxid});
            return;
        case PacketType::kRevalidate:
        case PacketType::kSync:
            if (phase_ == Phase::kUpToDate) out.emplace_back(ForCore{link_, leader_, packet});
            return;
        default: return fail("a packet of a type that no leader sends");
    }
}

void Learner::take_leader_info(const wire::QuorumPacket& packet, Outputs& out) {
    const auto info = wire::decode_leader_info(packet.data.view());
    if (phase_ != Phase::kInfoSent || !info || packet.zxid.counter() != 0) return fail("LEADERINFO out of place");
    epoch_ = packet.zxid.epoch();
    zabd_ = info->secret.has_value();
    if (epoch_ < std::max(replica_.hard_state().accepted_epoch, replica_.history().last().epoch()))
        return fail("the leader's epoch is an old one");
    if (epoch_ >= kEpochMax) return fail("the leader's epoch cannot be");
    secret_ = info->secret;
    replica_.note_mixed(!zabd_ || info->mixed, out);
    auto state = replica_.hard_state();
    // One that was promised before, perhaps to another leader, does not count again.
    if (epoch_ == state.accepted_epoch) return ack_epoch(false, out);
    phase_ = Phase::kPromising;
    state.accepted_epoch = epoch_;
    replica_.save(state, out);
}

void Learner::ack_epoch(bool counts, Outputs& out) {
    phase_ = Phase::kEpochAcked;
    std::string data;
    wire::Encoder encoder(data);
    encoder.put_int(counts ? static_cast<std::int32_t>(replica_.hard_state().current_epoch) : -1);
    // A ZooKeeper leader would cut us back behind where our history begins.
    const bool unknown = no_history_ || (!zabd_ && replica_.hard_state().provisional);
    send(PacketType::kAckEpoch, unknown ? kZxidUnknown : replica_.history().last(), Bytes::copy_of(data), out);
}

void Learner::take_opening(Instant now, const wire::QuorumPacket& packet, Outputs& out) {
    if (phase_ != Phase::kEpochAcked) return fail("DIFF, TRUNC or SNAP out of place");
    phase_ = Phase::kSyncing;
    if (packet.type == PacketType::kTrunc) {
        if (!replica_.history().holds(packet.zxid)) return fail("TRUNC to what our history does not hold");
        if (packet.zxid < replica_.committed())
            return fail("TRUNC of what is committed: has this ensemble lost transactions?");
        replica_.truncate(now, packet.zxid, out);
        // What is cut was not committed, so the snapshot does not hold it.
        if (packet.zxid < replica_.hard_state().fuzzy_until) note_fuzzy(packet.zxid, out);
    } else if (packet.type == PacketType::kSnap) {
        const bool sure = !no_history_ && !replica_.hard_state().provisional;
        if (sure && packet.zxid < replica_.committed()) return fail("SNAP of a state that is older than ours");
        if (packet.zxid.epoch() > epoch_) return fail("SNAP of a later epoch");
        phase_ = Phase::kReceiving;
        snapshot_ = packet.zxid;
        out.emplace_back(ReceiveSnapshot{link_, packet.zxid, !zabd_});
    }
    // What the leader leaves us with is committed, once it tells us to begin.
    acked_ = commit_seen_ = packet.type == PacketType::kSnap ? packet.zxid : replica_.history().last();
}

void Learner::on(Instant now, const SnapshotProgress& progress, Outputs& out) {
    if (progress.link != link_ || phase_ != Phase::kReceiving) return;
    heard_ = now;
    if (progress.kind == SnapshotProgress::Kind::kBroken) return fail("the snapshot is broken");
    if (progress.kind != SnapshotProgress::Kind::kWhole) return;
    phase_ = Phase::kSyncing;
    installed_ = true;
    // Known before it takes the place of what we have: a ZooKeeper leader sends with it its own tail, committed or not, and
    // it is whole only with what follows up to NEWLEADER.
    if (!zabd_) note_fuzzy(kZxidUnknown, out);
    replica_.install(now, snapshot_, out);
}

void Learner::note_fuzzy(Zxid until, Outputs& out) {
    auto state = replica_.hard_state();
    state.fuzzy_until = until;
    if (until == kZxidUnknown) state.provisional = true;
    replica_.save(state, out);
}

void Learner::take_proposal(Instant now, const wire::QuorumPacket& packet, Outputs& out) {
    if (phase_ < Phase::kSyncing) return fail("a proposal out of place");
    const auto last = replica_.history().last();
    if (packet.zxid <= last) {
        // A ZooKeeper leader may send in its catch-up what we have.
        const auto& history = replica_.history();
        const bool known = packet.zxid <= history.begin() || history.holds(packet.zxid);
        if (phase_ < Phase::kSettling && known) return;
        return fail("a proposal that goes back");
    }
    if (!follows(last, packet.zxid)) return fail("a proposal is missing");
    if (packet.zxid.epoch() > epoch_) return fail("a proposal of a later epoch");
    replica_.append(now, {packet.zxid, packet.data}, out);
}

void Learner::take_commit(Zxid zxid, Outputs& out) {
    if (phase_ < Phase::kSyncing) return fail("COMMIT out of place");
    if (zxid > commit_seen_) {
        if (!replica_.history().holds(zxid)) return fail("COMMIT of what was not proposed");
        commit_seen_ = zxid;
    }
    if (phase_ != Phase::kUpToDate) return;
    replica_.commit(commit_seen_);
    replica_.deliver(out);
}

void Learner::take_up_to_date(Outputs& out) {
    if (phase_ != Phase::kAcked) return fail("UPTODATE out of place");
    phase_ = Phase::kUpToDate;
    send(PacketType::kAck, start_of(epoch_), {}, out);
    replica_.commit(commit_seen_);
    serve_from_ = replica_.committed();
    send_acks(out);
    replica_.deliver(out);
}

// --- the disk --------------------------------------------------------------------------------------------------------

void Learner::on_disk(Instant now, Outputs& out) {
    if (failure_) return;
    if (phase_ == Phase::kPromising && !replica_.saving()) {
        heard_ = now;
        ack_epoch(true, out);
    } else if (phase_ == Phase::kSettling) {
        settle(out);
    } else if (phase_ == Phase::kAdopting && !replica_.saving()) {
        heard_ = now;
        phase_ = Phase::kAcked;
        send(PacketType::kAck, start_of(epoch_), {}, out);
        send_acks(out);
    } else if (phase_ >= Phase::kAcked) {
        send_acks(out);
    }
}

/// All that came before NEWLEADER is durable first.
void Learner::settle(Outputs& out) {
    if (replica_.rewriting() || replica_.durable() < settle_at_) return;
    phase_ = Phase::kAdopting;
    auto state = replica_.hard_state();
    state.current_epoch = epoch_;
    state.has_history = true;
    if (installed_ && zabd_) {
        state.fuzzy_until = Zxid{};
        state.provisional = false;
    }
    // With the history, and not before: of a leader that comes to nothing the ensemble must not take it.
    if (secret_) state.secret = *secret_;
    replica_.save(state, out);
}

/// One for each record, as a ZooKeeper leader counts them; a zabd leader takes one for all before it.
void Learner::send_acks(Outputs& out) {
    if (observes()) return;
    if (zabd_) {
        if (replica_.durable() > acked_) send(PacketType::kAck, replica_.durable(), {}, out);
        acked_ = std::max(acked_, replica_.durable());
        return;
    }
    while (acked_ < replica_.durable()) {
        const auto* record = replica_.history().next(acked_);
        if (record == nullptr) break;
        acked_ = record->zxid;
        send(PacketType::kAck, acked_, {}, out);
    }
}

}  // namespace zabd::zab
