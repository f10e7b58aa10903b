#include "zab/leader.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/txn_dialect.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <tuple>
#include <utility>

namespace zabd::zab {

using wire::PacketType;

namespace {

Zxid start_of(Epoch epoch) { return Zxid::of(epoch, 0); }

std::string text_of(Zxid zxid) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%" PRIx64, zxid.value);
    return text;
}

std::string note_of(const SyncPlan& plan, ServerId server, Zxid last) {
    const auto who = "server " + std::to_string(static_cast<int>(server)) + " at " + text_of(last);
    switch (plan.kind) {
        case SyncPlan::Kind::kDiff: return who + " is sent a DIFF up to " + text_of(plan.zxid);
        case SyncPlan::Kind::kTrunc: return who + " is cut back by TRUNC to " + text_of(plan.zxid);
        default: return who + " is sent a SNAP";
    }
}

}  // namespace

Leader::Leader(Replica& replica, bool alone)
    : replica_(replica), alone_(alone), history_initial_(replica.history().last()), proposed_(history_initial_) {}

void Leader::begin(Instant now, Outputs& out) {
    progress_at_ = ping_at_ = now;
    const auto& state = replica_.hard_state();
    accepted_max_ =
        std::max({state.accepted_epoch, state.current_epoch, history_initial_.epoch(), replica_.epoch_noted()});
    if (alone_) {
        phase_ = Phase::kServing;
        epoch_ = history_initial_.epoch();
        durable_[self()] = replica_.durable();
        return commit(now, out);
    }
    infos_.insert(self());
    choose_epoch(out);
}

void Leader::end(Outputs& out) {
    for (const auto& [link, learner] : learners_) out.emplace_back(CloseLink{link, failure_.value_or("")});
    learners_.clear();
}

// --- links -----------------------------------------------------------------------------------------------------------

void Leader::on(Instant now, const LinkOpened& opened) {
    Learner learner;
    learner.link = opened.link;
    learner.heard = learner.acked_at = now;
    learners_.emplace(opened.link, std::move(learner));
}

void Leader::on(Instant now, const LinkClosed& closed, Outputs& out) {
    const auto found = learners_.find(closed.link);
    if (found == learners_.end()) return;
    const auto learner = std::move(found->second);
    learners_.erase(found);
    round_.erase(closed.link);
    if (learner.phase == LearnerPhase::kNew) return;
    durable_.erase(learner.server);
    if (phase_ < Phase::kPromising) infos_.erase(learner.server);
    if (phase_ < Phase::kServing) new_leader_acks_.erase(learner.server);
    if (learner.phase == LearnerPhase::kUpToDate)
        out.emplace_back(LearnerChanged{.link = learner.link, .server = learner.server});
    if (phase_ == Phase::kServing) look_at_quorum(now);
    look_at_confirmation(out);
}

void Leader::drop(Instant now, LinkId link, std::string why, Outputs& out) {
    out.emplace_back(CloseLink{link, std::move(why)});
    on(now, LinkClosed{link}, out);
}

void Leader::on(Instant now, const LinkCongested& congested, Outputs& out) {
    auto* learner = find(congested.link);
    if (!learner) return;
    learner->congested = congested.congested;
    learner->heard = progress_at_ = now;  // it takes what it is sent
    feed(now, *learner, out);
}

Leader::Learner* Leader::find(LinkId link) {
    const auto found = learners_.find(link);
    return found == learners_.end() ? nullptr : &found->second;
}

void Leader::send(const Learner& learner, PacketType type, Zxid zxid, Bytes data, Outputs& out) const {
    out.emplace_back(SendPacket{learner.link, {type, zxid, std::move(data)}});
}

void Leader::on(Instant now, const Packet& packet, Outputs& out) {
    auto* learner = find(packet.link);
    if (!learner || failure_) return;
    learner->heard = now;
    take(now, *learner, packet.packet, out);
}

void Leader::take(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out) {
    switch (packet.type) {
        case PacketType::kFollowerInfo:
        case PacketType::kObserverInfo: return take_info(now, learner, packet, out);
        case PacketType::kAckEpoch: return take_ack_epoch(now, learner, packet, out);
        case PacketType::kAck: return take_ack(now, learner, packet.zxid, out);
        case PacketType::kPing:
            if (learner.phase != LearnerPhase::kUpToDate) {  // it goes on loading
                progress_at_ = now;
                return;
            }
            learner.pings_answered = std::min(learner.pings_answered + 1, learner.pings_sent);
            look_at_confirmation(out);
            [[fallthrough]];
        case PacketType::kRequest:
        case PacketType::kRevalidate:
            if (learner.phase != LearnerPhase::kUpToDate) return;
            return void(out.emplace_back(ForCore{learner.link, learner.server, packet}));
        default: return drop(now, learner.link, "a packet of a type that no learner sends", out);
    }
}

// --- discovery -------------------------------------------------------------------------------------------------------

void Leader::take_info(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out) {
    const auto info = wire::decode_learner_info(packet.data.view());
    if (learner.phase != LearnerPhase::kNew || !info) return drop(now, learner.link, "FOLLOWERINFO out of place", out);
    if (info->server < 0 || info->server > std::numeric_limits<std::uint8_t>::max())
        return drop(now, learner.link, "no server has that number", out);
    const ServerId server{static_cast<std::uint8_t>(info->server)};
    if (server == self()) return drop(now, learner.link, "another server has our number", out);
    if (packet.zxid.epoch() >= kEpochMax)
        return drop(now, learner.link, "it has accepted an epoch that cannot be", out);
    for (const auto& [link, other] : learners_) {
        if (link == learner.link || other.phase == LearnerPhase::kNew || other.server != server) continue;
        drop(now, link, "its server has come again", out);
        break;
    }
    learner.server = server;
    learner.observes = packet.type == PacketType::kObserverInfo;
    learner.votes = !learner.observes && membership().votes(server);
    learner.zabd = info->zabd;
    learner.no_history = info->no_history;
    learner.provisional = info->provisional;
    learner.phase = LearnerPhase::kInfo;
    const bool member = learner.votes || membership().observers().contains(server);
    if (member && (!info->zabd || info->mixed)) note_mixed(true, out);
    if (phase_ == Phase::kCollecting) {
        if (member) accepted_max_ = std::max(accepted_max_, packet.zxid.epoch());
        // What it promised before it lost its disk it does not know any more.
        if (learner.votes && !learner.no_history) infos_.insert(server);
        return choose_epoch(out);
    }
    // It was promised to a leader that came to nothing, and will never follow ours. The next one of us is above both.
    replica_.note_epoch(member ? packet.zxid.epoch() : 0);
    if (member && packet.zxid.epoch() > epoch_) return fail("a member has accepted a later epoch");
    if (phase_ >= Phase::kPromised) send_leader_info(learner, out);
}

void Leader::choose_epoch(Outputs& out) {
    if (phase_ != Phase::kCollecting || !membership().has_quorum(infos_)) return;
    if (accepted_max_ + 1 >= kEpochMax) return fail("there is no epoch left");
    phase_ = Phase::kPromising;
    epoch_ = accepted_max_ + 1;
    auto state = replica_.hard_state();
    state.accepted_epoch = epoch_;
    replica_.save(state, out);
}

void Leader::send_leader_info(Learner& learner, Outputs& out) {
    wire::LeaderInfo info;
    if (learner.zabd) info.secret = replica_.hard_state().secret;
    info.mixed = replica_.hard_state().mixed();
    learner.phase = LearnerPhase::kPromised;
    send(learner, PacketType::kLeaderInfo, start_of(epoch_), encoded_info(info), out);
}

void Leader::take_ack_epoch(Instant now, Learner& learner, const wire::QuorumPacket& packet, Outputs& out) {
    wire::Decoder in(packet.data.view());
    const auto current = in.get_int();
    if (learner.phase != LearnerPhase::kPromised || in.failed())
        return drop(now, learner.link, "ACKEPOCH out of place", out);
    learner.phase = LearnerPhase::kWaiting;
    learner.last = packet.zxid;
    if (phase_ >= Phase::kSyncing) {
        open_sync(learner, out);
        return feed(now, learner, out);
    }
    const auto& own = replica_.hard_state();
    // In an ensemble that has had transactions, who knows of no leader has lost what it knew, though it may not know that either.
    const bool knows = current > 0 || history_initial_ == Zxid{};
    const bool counts = current != -1 && packet.zxid != kZxidUnknown && learner.votes && !learner.no_history && knows;
    if (!counts) return;
    if (std::tuple(static_cast<Epoch>(current), packet.zxid) > std::tuple(own.current_epoch, history_initial_))
        return drop(now, learner.link, "it knows more than we do", out);
    promises_.insert(learner.server);
    begin_sync(now, out);
}

// --- synchronisation -------------------------------------------------------------------------------------------------

void Leader::begin_sync(Instant now, Outputs& out) {
    if (phase_ != Phase::kPromised || !membership().has_quorum(promises_)) return;
    phase_ = Phase::kSyncing;
    progress_at_ = now;
    proposed_ = start_of(epoch_);
    auto state = replica_.hard_state();
    state.current_epoch = epoch_;
    state.has_history = true;
    replica_.save(state, out);
    for (auto& [link, learner] : learners_) {
        if (learner.phase != LearnerPhase::kWaiting) continue;
        open_sync(learner, out);
        feed(now, learner, out);
    }
}

void Leader::open_sync(Learner& learner, Outputs& out) {
    auto plan =
        plan_sync(replica_.history(), committed_for_learners(), {learner.last, learner.zabd, learner.provisional});
    if (plan.cursor <= unreadable_after_) plan = {};  // a snapshot
    out.emplace_back(Note{note_of(plan, learner.server, learner.last)});
    if (plan.kind == SyncPlan::Kind::kSnap) {
        learner.phase = LearnerPhase::kOpening;
        return void(out.emplace_back(OpenSnapshot{learner.link}));
    }
    learner.phase = LearnerPhase::kCatchingUp;
    learner.cursor = learner.settled = plan.cursor;
    send(learner, plan.kind == SyncPlan::Kind::kDiff ? PacketType::kDiff : PacketType::kTrunc, plan.zxid, {}, out);
}

void Leader::on(Instant now, const SnapshotOpened& opened, Outputs& out) {
    auto* learner = find(opened.link);
    if (!learner || learner->phase != LearnerPhase::kOpening) return;
    learner->phase = LearnerPhase::kStreaming;
    learner->cursor = learner->settled = opened.zxid;
    learner->heard = progress_at_ = now;
    send(*learner, PacketType::kSnap, opened.zxid, {}, out);
    out.emplace_back(StreamSnapshot{learner->link});
}

void Leader::on(Instant now, const SnapshotStreamed& streamed, Outputs& out) {
    auto* learner = find(streamed.link);
    if (!learner || learner->phase != LearnerPhase::kStreaming) return;
    learner->phase = LearnerPhase::kCatchingUp;
    learner->heard = progress_at_ = now;
    feed(now, *learner, out);
}

/// Before we serve, all of our history is sent as committed: it will be, or this sync comes to nothing. A learner takes
/// none of it as committed before UPTODATE.
Zxid Leader::committed_for_learners() const {
    return phase_ == Phase::kServing ? replica_.committed() : history_initial_;
}

void Leader::take_ack(Instant now, Learner& learner, Zxid zxid, Outputs& out) {
    if (learner.phase < LearnerPhase::kCatchingUp) return drop(now, learner.link, "ACK out of place", out);
    if (zxid.counter() == 0) {
        if (learner.phase != LearnerPhase::kNewLeader || zxid != start_of(epoch_)) return;  // the second one, say
        learner.phase = LearnerPhase::kAcked;
        learner.acked = std::max(learner.acked, learner.newleader_at);
        learner.acked_at = progress_at_ = now;
        if (learner.votes) new_leader_acks_.insert(learner.server);
        if (phase_ == Phase::kServing) return finish_sync(now, learner, out), commit(now, out);
        return count_new_leader(now, out);
    }
    const auto held = replica_.history().greatest_up_to(zxid);
    if (zxid > learner.cursor || (held && held != zxid))
        return drop(now, learner.link, "ACK of what it was not sent", out);
    if (zxid > learner.acked) {
        learner.acked = zxid;
        learner.acked_at = now;
    }
    if (learner.phase != LearnerPhase::kUpToDate || !learner.votes) return;
    auto& durable = durable_[learner.server];
    durable = std::max(durable, learner.acked);
    commit(now, out);
}

bool Leader::counts_itself() const {
    return phase_ >= Phase::kSyncing && !replica_.saving() && replica_.durable() >= history_initial_;
}

void Leader::count_new_leader(Instant now, Outputs& out) {
    if (phase_ != Phase::kSyncing || !counts_itself()) return;
    new_leader_acks_.insert(self());
    if (!membership().has_quorum(new_leader_acks_)) return;
    phase_ = Phase::kServing;
    durable_[self()] = replica_.durable();
    replica_.commit(history_initial_);
    replica_.deliver(out);
    for (auto& [link, learner] : learners_)
        if (learner.phase == LearnerPhase::kAcked) finish_sync(now, learner, out);
    commit(now, out);
}

/// Commits that were decided since the cut follow UPTODATE, never before it: ZooKeeper's learners fail on those in between
/// (hazards Z-03, Z-25).
void Leader::finish_sync(Instant now, Learner& learner, Outputs& out) {
    learner.phase = LearnerPhase::kUpToDate;
    if (learner.votes) durable_[learner.server] = learner.acked;
    send(learner, PacketType::kUpToDate, kZxidUnknown, {}, out);
    send_commits(learner, out);
    feed(now, learner, out);
    if (all_are_zabd()) note_mixed(false, out);
    const auto& waiting = learner.uncommitted;
    const auto told =
        waiting.empty() ? std::min(learner.cursor, replica_.committed()) : Zxid{waiting.front().value - 1};
    out.emplace_back(LearnerChanged{
        .link = learner.link, .server = learner.server, .up_to_date = true, .zabd = learner.zabd, .told = told});
}

// --- broadcast -------------------------------------------------------------------------------------------------------

bool Leader::accepts() const {
    return may_serve() && !failure_ && !step_down_by_ &&
           (alone_ || proposed_.counter() < replica_.options().counter_max);
}

Zxid Leader::next_zxid() const {
    if (proposed_.counter() < replica_.options().counter_max)
        return Zxid::of(proposed_.epoch(), proposed_.counter() + 1);
    ZABD_ASSERT(alone_ && proposed_.epoch() < std::numeric_limits<Epoch>::max());
    return Zxid::of(proposed_.epoch() + 1, 1);
}

void Leader::on(Instant now, const Submit& submit, Outputs& out) {
    ZABD_ASSERT(accepts() && submit.zxid == next_zxid());
    proposed_ = submit.zxid;
    replica_.append(now, {submit.zxid, submit.txn}, out);
    feed_all(now, out);
}

void Leader::feed_all(Instant now, Outputs& out) {
    for (auto& [link, learner] : learners_) feed(now, learner, out);
}

void Leader::feed(Instant now, Learner& learner, Outputs& out) {
    if (learner.phase < LearnerPhase::kCatchingUp || learner.reading != 0) return;
    const bool waits =
        learner.observes && (learner.phase == LearnerPhase::kNewLeader || learner.phase == LearnerPhase::kAcked);
    const auto target = learner.observes ? committed_for_learners() : replica_.history().last();
    if (learner.acked == learner.cursor) learner.acked_at = now;
    while (!waits && !learner.congested && learner.cursor < target) {
        const auto* record = replica_.history().next(learner.cursor);
        if (record == nullptr) {
            learner.reading = replica_.next_tag();
            return void(out.emplace_back(ReadLog{learner.reading, learner.cursor, replica_.options().catch_up_bytes}));
        }
        send_record(learner, *record, out);
    }
    if (learner.phase != LearnerPhase::kCatchingUp || learner.cursor < target) return;
    learner.phase = LearnerPhase::kNewLeader;
    // Not all of ZooKeeper's releases have made durable what came without its COMMIT.
    learner.newleader_at = learner.zabd ? learner.cursor : learner.settled;
    learner.heard = now;
    send(learner, PacketType::kNewLeader, start_of(epoch_), Bytes::copy_of(replica_.options().config_text), out);
}

void Leader::on(Instant now, const LogRead& read, Outputs& out) {
    for (auto& [link, learner] : learners_) {
        if (learner.reading != read.tag) continue;
        learner.reading = 0;
        learner.heard = progress_at_ = now;
        // It comes again, and its sync is planned anew (hazard Z-22): with a snapshot, even if the log seems to have it.
        if (read.records.empty() || !follows(learner.cursor, read.records.front().zxid)) {
            unreadable_after_ = std::max(unreadable_after_, std::optional(learner.cursor));
            return drop(now, link, "the log does not give what it lacks", out);
        }
        const auto target = learner.observes ? committed_for_learners() : replica_.history().last();
        for (const auto& record : read.records)
            if (record.zxid <= target) send_record(learner, record, out);
        return feed(now, learner, out);
    }
}

void Leader::send_record(Learner& learner, const Record& record, Outputs& out) {
    ZABD_ASSERT(follows(learner.cursor, record.zxid));
    learner.cursor = record.zxid;
    auto txn = learner.zabd ? record.txn : wire::for_zookeeper(record.txn);
    if (learner.observes && learner.phase == LearnerPhase::kUpToDate)
        return send(learner, PacketType::kInform, record.zxid, std::move(txn), out);
    send(learner, PacketType::kProposal, record.zxid, std::move(txn), out);
    const bool settles = learner.phase == LearnerPhase::kCatchingUp || learner.phase == LearnerPhase::kUpToDate;
    if (settles && learner.uncommitted.empty() && record.zxid <= committed_for_learners()) {
        learner.settled = record.zxid;
        send(learner, PacketType::kCommit, record.zxid, {}, out);
    } else {
        learner.uncommitted.push_back(record.zxid);
    }
}

/// One for each record, as ZooKeeper's learners take them; a zabd learner takes one for all before it.
void Leader::send_commits(Learner& learner, Outputs& out) {
    if (learner.phase != LearnerPhase::kUpToDate) return;
    auto& waiting = learner.uncommitted;
    while (!waiting.empty() && waiting.front() <= replica_.committed()) {
        const auto zxid = waiting.front();
        waiting.pop_front();
        const bool last = waiting.empty() || waiting.front() > replica_.committed();
        if (last || !learner.zabd) send(learner, PacketType::kCommit, zxid, {}, out);
    }
}

void Leader::commit(Instant now, Outputs& out) {
    if (phase_ != Phase::kServing) return;
    const auto reached = membership().committed(durable_);
    if (reached > replica_.committed()) {
        replica_.commit(reached);
        for (auto& [link, learner] : learners_) {
            send_commits(learner, out);
            if (learner.observes) feed(now, learner, out);
        }
    }
    replica_.deliver(out);
    hand_over();
}

/// The counter has run out: once all that was proposed has been delivered, the ensemble takes a new epoch.
void Leader::hand_over() {
    const bool used_up = !alone_ && proposed_.counter() >= replica_.options().counter_max;
    if (!used_up && !step_down_by_) return;
    if (replica_.delivered() != replica_.history().last()) return;
    if (step_down_by_) successor_ = best_successor();
    if (used_up) return fail("the epoch is used up");
    if (successor_) fail("it steps down for server " + std::to_string(static_cast<int>(*successor_)));
}

void Leader::on(Instant now, const StepDown&) {
    if (step_down_by_ || !can_step_down()) return;
    step_down_by_ = now + replica_.options().tick;
    hand_over();
}

bool Leader::can_step_down() const {
    return !alone_ && may_serve() && !failure_ && std::ranges::any_of(learners_, [&](const auto& entry) {
        const auto& learner = entry.second;
        return learner.phase == LearnerPhase::kUpToDate && learner.votes && membership().may_lead(learner.server);
    });
}

/// Of those who have all that we have, the one that would win among them: votes for the others give way to its own.
std::optional<ServerId> Leader::best_successor() const {
    std::optional<ServerId> best;
    for (const auto& [link, learner] : learners_) {
        const bool votes = learner.phase == LearnerPhase::kUpToDate && learner.votes;
        if (!votes || learner.acked != replica_.history().last() || !membership().may_lead(learner.server)) continue;
        if (!best || learner.server > *best) best = learner.server;
    }
    return best;
}

void Leader::on_disk(Instant now, Outputs& out) {
    if (failure_) return;
    if (phase_ == Phase::kPromising && !replica_.saving()) {
        phase_ = Phase::kPromised;
        progress_at_ = now;
        promises_.insert(self());
        for (auto& [link, learner] : learners_)
            if (learner.phase == LearnerPhase::kInfo) send_leader_info(learner, out);
        begin_sync(now, out);
    }
    if (phase_ == Phase::kSyncing) count_new_leader(now, out);
    if (phase_ != Phase::kServing) return;
    durable_[self()] = replica_.durable();
    commit(now, out);
}

// --- a mixed ensemble ------------------------------------------------------------------------------------------------

/// Told ahead of all that is proposed from here on.
void Leader::note_mixed(bool mixed, Outputs& out) {
    if (mixed == replica_.hard_state().mixed()) return;
    replica_.note_mixed(mixed, out);
    for (auto& [link, learner] : learners_)
        if (learner.zabd && learner.phase >= LearnerPhase::kCatchingUp) ping(learner, out);
}

/// A member that is away may still be one of ZooKeeper's.
bool Leader::all_are_zabd() const {
    std::set<ServerId> seen{self()};
    for (const auto& [link, learner] : learners_)
        if (learner.zabd && learner.phase == LearnerPhase::kUpToDate) seen.insert(learner.server);
    const auto is_seen = [&](ServerId member) { return seen.contains(member); };
    return std::ranges::all_of(membership().voters(), is_seen) &&
           std::ranges::all_of(membership().observers(), is_seen);
}

// --- staying the leader ----------------------------------------------------------------------------------------------

void Leader::ping(Learner& learner, Outputs& out) {
    // A zabd learner is told by the data that the ensemble is a mixed one.
    const bool tell = learner.zabd && replica_.hard_state().mixed();
    send(learner, PacketType::kPing, proposed_, tell ? Bytes::copy_of("m") : Bytes{}, out);
    if (learner.phase == LearnerPhase::kUpToDate) ++learner.pings_sent;  // the others do not answer
}

/// Links are first in, first out, and a voter answers only the leader that it follows: whoever answers a ping that was sent
/// after the question followed us after it (hazard Z-34).
void Leader::on(const Confirm&, Outputs& out) {
    ++to_confirm_;
    if (confirming_ == 0) begin_confirmation(out);
}

void Leader::begin_confirmation(Outputs& out) {
    confirming_ = std::exchange(to_confirm_, 0);
    round_.clear();
    if (confirming_ == 0) return;
    for (auto& [link, learner] : learners_) {
        if (learner.phase != LearnerPhase::kUpToDate || !learner.votes) continue;
        ping(learner, out);
        round_[link] = learner.pings_sent;
    }
    look_at_confirmation(out);
}

void Leader::look_at_confirmation(Outputs& out) {
    if (confirming_ == 0 || failure_) return;
    std::set<ServerId> confirmed{self()};
    for (const auto& [link, answer] : round_) {
        const auto& learner = learners_.at(link);
        if (learner.pings_answered >= answer) confirmed.insert(learner.server);
    }
    if (!membership().has_quorum(confirmed)) return;
    for (auto left = std::exchange(confirming_, 0); left > 0; --left) out.emplace_back(Confirmed{});
    begin_confirmation(out);
}

void Leader::tick(Instant now, Outputs& out) {
    if (alone_) return;
    const auto& options = replica_.options();
    if (now - ping_at_ >= options.tick / 2) {
        ping_at_ = now;
        for (auto& [link, learner] : learners_)
            if (learner.phase >= LearnerPhase::kNewLeader) ping(learner, out);
    }
    look_at_learners(now, out);
    if (phase_ < Phase::kServing) {
        if (now - progress_at_ > replica_.ticks(options.init_limit)) fail("no quorum has come to follow");
        return;
    }
    look_at_quorum(now);
    if (step_down_by_ && now >= *step_down_by_) {
        step_down_by_.reset();
        out.emplace_back(Note{"it does not step down: no follower has all that it has"});
    }
    // A round that was begun when too few were up to date is begun anew.
    if (confirming_ != 0 && round_.size() < synced(false)) {
        to_confirm_ += std::exchange(confirming_, 0);
        begin_confirmation(out);
    }
    if (replica_.stalled(now) > replica_.ticks(options.sync_limit)) fail("our disk does not answer");
}

void Leader::look_at_learners(Instant now, Outputs& out) {
    const auto& options = replica_.options();
    std::vector<std::pair<LinkId, const char*>> lost;
    for (const auto& [link, learner] : learners_) {
        const bool synced = learner.phase >= LearnerPhase::kAcked;
        const auto limit = replica_.ticks(synced ? options.sync_limit : options.init_limit);
        if (now - learner.heard > limit) {
            lost.emplace_back(link, "it is silent");
        } else if (learner.phase == LearnerPhase::kUpToDate && !learner.observes && learner.acked < learner.cursor &&
                   now - learner.acked_at > limit) {
            lost.emplace_back(link, "it does not acknowledge what it is sent");
        }
    }
    for (const auto& [link, why] : lost) drop(now, link, why, out);
}

void Leader::look_at_quorum(Instant now) {
    if (!hears_quorum(now, replica_.ticks(replica_.options().sync_limit))) fail("the quorum is gone");
}

bool Leader::hears_quorum(Instant now, Millis within) const {
    if (alone_) return true;
    std::set<ServerId> heard{self()};
    for (const auto& [link, learner] : learners_)
        if (learner.votes && learner.phase >= LearnerPhase::kAcked && now - learner.heard <= within)
            heard.insert(learner.server);
    return membership().has_quorum(heard);
}

std::size_t Leader::synced(bool observers) const {
    return static_cast<std::size_t>(std::ranges::count_if(learners_, [&](const auto& entry) {
        const auto& learner = entry.second;
        return learner.phase == LearnerPhase::kUpToDate && (observers ? learner.observes : learner.votes);
    }));
}

std::vector<LearnerStatus> Leader::learners() const {
    std::vector<LearnerStatus> all;
    for (const auto& [link, learner] : learners_) {
        if (learner.phase == LearnerPhase::kNew) continue;
        all.push_back({.server = learner.server,
                       .observes = learner.observes,
                       .up_to_date = learner.phase == LearnerPhase::kUpToDate,
                       .acked = learner.observes ? learner.cursor : learner.acked});
    }
    return all;
}

Zxid Leader::log_needed() const {
    auto needed = kZxidUnknown;
    for (const auto& [link, learner] : learners_) {
        if (learner.phase == LearnerPhase::kOpening) return Zxid{};
        if (learner.phase > LearnerPhase::kOpening) needed = std::min(needed, learner.cursor);
    }
    return needed;
}

}  // namespace zabd::zab
