#include "tests/sim/java_peer/java_learner.hpp"

#include "tests/sim/java_peer/java_peer.hpp"
#include "wire/jute.hpp"
#include "wire/txns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace zabd::sim {

using wire::PacketType;

namespace {

constexpr Duration kLookOut = milliseconds(100);

}  // namespace

// --- the link --------------------------------------------------------------------------------------------------------

void JavaLearner::begin() {
    heard_ = peer_.now();
    peer_.dial(leader_);
    look_out();
}

void JavaLearner::on_opened(LinkId link) {
    if (phase_ != Phase::kDialling) return peer_.close(link);
    link_ = link;
    heard_ = peer_.now();
    phase_ = Phase::kInfoSent;
    const wire::LearnerInfo info{.server = static_cast<std::int64_t>(peer_.id())};
    send(PacketType::kFollowerInfo, Zxid::of(peer_.accepted_epoch(), 0), wire::encoded_info(info));
}

void JavaLearner::on_unreachable() {
    if (phase_ == Phase::kDialling) fail("the leader cannot be reached");
}

void JavaLearner::on_closed(LinkId link) {
    if (link == link_) fail("the leader's connection is gone");
}

void JavaLearner::look_out() {
    const auto ticks = phase_ < Phase::kAcked ? peer_.options().init_limit : peer_.options().sync_limit;
    if (!blocked_ && peer_.now() - heard_ > peer_.options().tick * ticks) return fail("the leader is silent");
    peer_.after(kLookOut, [this] { look_out(); });
}

void JavaLearner::fail(const std::string& why) {
    if (phase_ == Phase::kOver) return;
    const bool spoiled = phase_ > Phase::kEpochAcked && phase_ < Phase::kAcked;
    phase_ = Phase::kOver;
    if (link_ != LinkId::kNone) peer_.close(link_);
    peer_.look_again(why, spoiled);
}

void JavaLearner::break_off(const std::string& why) {
    peer_.blame(leader_, why);
    fail(why);
}

void JavaLearner::send(PacketType type, Zxid zxid, Bytes data) {
    peer_.send(link_, leader_, {type, zxid, std::move(data)});
}

void JavaLearner::on_bytes(LinkId link, std::string_view bytes) {
    if (link != link_ || phase_ == Phase::kOver) return;
    heard_ = peer_.now();
    splitter_.feed(bytes);
    take_all();
}

void JavaLearner::take_all() {
    while (!blocked_ && phase_ != Phase::kOver) {
        if (phase_ == Phase::kReceiving) {
            take_snapshot();
            if (phase_ == Phase::kReceiving) return;
            continue;
        }
        const auto packet = splitter_.next();
        if (!packet) break;
        take(*packet);
    }
    if (splitter_.failed()) fail("bytes that are no packet");
}

void JavaLearner::take(const wire::QuorumPacket& packet) {
    if (phase_ == Phase::kInfoSent) return take_leader_info(packet);
    if (phase_ == Phase::kEpochAcked) return take_opening(packet);
    const bool synchronising = phase_ != Phase::kFollowing;
    switch (packet.type) {
        case PacketType::kProposal:
            if (synchronising) return not_logged_.push_back({packet.zxid, packet.data});
            return log({packet.zxid, packet.data});
        case PacketType::kCommit: return synchronising ? take_commit_in_sync(packet.zxid) : commit(packet.zxid);
        case PacketType::kNewLeader:
            if (synchronising) take_new_leader();
            return;
        case PacketType::kUpToDate:
            if (synchronising) take_up_to_date();
            return;
        case PacketType::kPing:
            if (!synchronising) answer_ping(packet.zxid);
            return;
        default: return;
    }
}

// --- discovery -------------------------------------------------------------------------------------------------------

void JavaLearner::take_leader_info(const wire::QuorumPacket& packet) {
    if (packet.type != PacketType::kLeaderInfo) return break_off("the first packet is no LEADERINFO");
    epoch_ = packet.zxid.epoch();
    if (epoch_ < peer_.accepted_epoch()) return fail("the leader's epoch is an old one");
    std::string data;
    wire::Encoder encoder(data);
    const bool counts = epoch_ > peer_.accepted_epoch();
    encoder.put_int(counts ? static_cast<std::int32_t>(peer_.current_epoch()) : -1);
    peer_.accept_epoch(epoch_);
    phase_ = Phase::kEpochAcked;
    send(PacketType::kAckEpoch, peer_.tree().last, Bytes::copy_of(data));
}

// --- synchronisation -------------------------------------------------------------------------------------------------

void JavaLearner::take_opening(const wire::QuorumPacket& packet) {
    phase_ = Phase::kSyncing;
    switch (packet.type) {
        case PacketType::kDiff: to_log_ = true; return;
        case PacketType::kTrunc: return peer_.truncate(packet.zxid);
        case PacketType::kSnap:
            phase_ = Phase::kReceiving;
            snapshot_zxid_ = packet.zxid;
            installs_ = true;
            return peer_.begin_install();
        default: return peer_.would_exit("the leader opens with a packet that is no DIFF, TRUNC or SNAP");
    }
}

void JavaLearner::take_snapshot() {
    const auto raw = splitter_.take_raw();
    std::vector<wire::SnapshotElement> elements;
    const auto taken = snapshot_.feed(raw, elements);
    for (const auto& element : elements) peer_.installing().take(element);
    if (snapshot_.failed()) return break_off("the snapshot is broken");
    if (!snapshot_.finished()) return;
    splitter_.put_back(std::string_view(raw).substr(taken));
    peer_.installed(snapshot_zxid_);
    phase_ = Phase::kSyncing;
}

void JavaLearner::take_commit_in_sync(Zxid zxid) {
    if (not_logged_.empty()) return break_off(fmt::format("COMMIT {:#x} with no proposal to commit", zxid.value));
    if (to_log_) return committed_.push_back(zxid);
    if (not_logged_.front().zxid != zxid) return;
    peer_.apply_unlogged(not_logged_.front());
    not_logged_.pop_front();
}

void JavaLearner::take_new_leader() {
    if (!to_log_) peer_.write_snapshot(installs_);
    to_log_ = true;
    for (const auto& record : std::exchange(not_logged_, {})) log(record);
    if (peer_.options().early_acks) return ack_new_leader();
    blocked_ = true;
    peer_.when_synced([this] {
        blocked_ = false;
        heard_ = peer_.now();
        ack_new_leader();
        take_all();
    });
}

void JavaLearner::ack_new_leader() {
    peer_.adopt_epoch(epoch_);
    phase_ = Phase::kAcked;
    send(PacketType::kAck, Zxid::of(epoch_, 0));
}

void JavaLearner::take_up_to_date() {
    if (phase_ != Phase::kAcked) return break_off("UPTODATE before NEWLEADER was acknowledged");
    phase_ = Phase::kFollowing;
    send(PacketType::kAck, Zxid::of(epoch_, 0));
    for (const auto zxid : std::exchange(acks_held_, {})) send(PacketType::kAck, zxid);
    peer_.established(epoch_);
    for (const auto& record : std::exchange(not_logged_, {})) log(record);
    peer_.tell_committed();
    for (const auto zxid : std::exchange(committed_, {})) commit(zxid);
}

// --- broadcast -------------------------------------------------------------------------------------------------------

void JavaLearner::log(const zab::Record& record) {
    pending_.push_back(record);
    peer_.append(record);
}

void JavaLearner::on_synced(Zxid zxid) {
    if (phase_ == Phase::kOver) return;
    const bool may = phase_ == Phase::kFollowing || (peer_.options().early_acks && phase_ == Phase::kAcked);
    may ? send(PacketType::kAck, zxid) : acks_held_.push_back(zxid);
}

void JavaLearner::commit(Zxid zxid) {
    if (pending_.empty()) return;
    if (pending_.front().zxid != zxid)
        peer_.would_exit(
            fmt::format("COMMIT {:#x}, where {:#x} is the oldest proposal", zxid.value, pending_.front().zxid.value));
    const auto record = std::move(pending_.front());
    pending_.pop_front();
    peer_.apply(record);
    const auto header = wire::decoded<wire::TxnHeader>(record.txn.view());
    if (header->type == wire::OpCode::kCreateSession)
        touched_[header->session] = peer_.tree().sessions().at(header->session);
    peer_.tell_committed();
}

void JavaLearner::answer_ping(Zxid zxid) {
    std::string table;
    wire::Encoder encoder(table);
    for (const auto& [session, timeout_ms] : std::exchange(touched_, {}))
        encode(encoder, wire::SessionTouch{session, timeout_ms});
    send(PacketType::kPing, zxid, Bytes::copy_of(table));
}

}  // namespace zabd::sim
