#include "tests/sim/java_peer/java_leader.hpp"

#include "tests/sim/java_peer/java_peer.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/txns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace zabd::sim {

using wire::PacketType;

JavaLeader::JavaLeader(JavaPeer& peer) : peer_(peer), sessions_(peer.options().tick) {}

ServerId JavaLeader::peer_id() const { return peer_.id(); }

JavaLeader::Learner* JavaLeader::find(LinkId link) {
    const auto found = learners_.find(link);
    return found == learners_.end() ? nullptr : &found->second;
}

bool JavaLeader::quorum(const std::set<ServerId>& servers) const {
    return servers.contains(peer_id()) && servers.size() > peer_.options().voters.size() / 2;
}

void JavaLeader::begin() {
    phase_since_ = peer_.now();
    current_before_ = peer_.current_epoch();
    last_before_ = peer_.tree().last;
    collect(peer_id(), peer_.accepted_epoch());
    tick();
}

void JavaLeader::step_down(const std::string& why) {
    if (std::exchange(phase_, Phase::kOver) == Phase::kOver) return;
    for (const auto& [link, learner] : learners_) peer_.close(link);
    learners_.clear();
    peer_.look_again(why);
}

// --- links -----------------------------------------------------------------------------------------------------------

void JavaLeader::on_opened(LinkId link, ServerId server) {
    if (phase_ == Phase::kOver) return peer_.close(link);
    auto& learner = learners_[link];
    learner.link = link;
    learner.server = server;
    learner.heard = peer_.now();
}

void JavaLeader::on_closed(LinkId link) { learners_.erase(link); }

void JavaLeader::drop(LinkId link, const std::string& why) {
    const auto* learner = find(link);
    if (!learner) return;
    peer_.tell(fmt::format("closes the connection of {}: {}", number(learner->server), why));
    peer_.close(link);
    learners_.erase(link);
}

void JavaLeader::on_bytes(LinkId link, std::string_view bytes) {
    auto* learner = find(link);
    if (!learner) return;
    learner->heard = peer_.now();
    learner->splitter.feed(bytes);
    take_all(link);
}

/// As long as its thread does not wait for something.
void JavaLeader::take_all(LinkId link) {
    for (;;) {
        auto* learner = find(link);
        if (!learner) return;
        const auto phase = learner->phase;
        const bool reads = phase == LearnerPhase::kInfo || phase == LearnerPhase::kAckEpoch ||
                           phase == LearnerPhase::kAckNewLeader || phase == LearnerPhase::kUp;
        if (!reads) return;
        const auto packet = learner->splitter.next();
        if (!packet) {
            if (learner->splitter.failed()) drop(link, "bytes that are no packet");
            return;
        }
        take(*learner, *packet);
    }
}

void JavaLeader::send(Learner& learner, const wire::QuorumPacket& packet) {
    peer_.send(learner.link, learner.server, packet);
}

void JavaLeader::queue(Learner& learner, PacketType type, Zxid zxid, Bytes data) {
    wire::QuorumPacket packet{type, zxid, std::move(data)};
    if (type == PacketType::kProposal) learner.unacked.emplace_back(zxid, peer_.now());
    learner.sends ? send(learner, packet) : learner.queue.push_back(std::move(packet));
}

void JavaLeader::take(Learner& learner, const wire::QuorumPacket& packet) {
    const auto link = learner.link;
    switch (learner.phase) {
        case LearnerPhase::kInfo: return take_info(learner, packet);
        case LearnerPhase::kAckEpoch: return take_ack_epoch(learner, packet);
        case LearnerPhase::kAckNewLeader:
            if (packet.type != PacketType::kAck) return drop(link, "the packet behind NEWLEADER is no ACK");
            learner.phase = LearnerPhase::kWaitsForStart;
            if (packet.zxid == Zxid::of(epoch_, 0) && learner.votes) count_new_leader(learner.server);
            if (phase_ == Phase::kServing) let_go_on(LearnerPhase::kWaitsForStart);
            return;
        default: break;
    }
    switch (packet.type) {
        case PacketType::kAck:
            while (!learner.unacked.empty() && learner.unacked.front().first <= packet.zxid)
                learner.unacked.pop_front();
            if (learner.votes) count_ack(learner.server, packet.zxid);
            return;
        case PacketType::kPing:
            if (packet.data.null()) return drop(link, "a PING without a table");
            for (const auto& touch : wire::decode_touches(packet.data.view()))
                sessions_.touch(touch.session, touch.timeout_ms, peer_.now());
            return;
        case PacketType::kRevalidate: {
            const auto touch = wire::decoded<wire::SessionTouch>(packet.data.view());
            if (!touch) return drop(link, "a broken REVALIDATE");
            const bool valid = sessions_.valid(touch->session);
            sessions_.touch(touch->session, touch->timeout_ms, peer_.now());
            if (valid) sessions_.own(touch->session, link);
            const auto answer = wire::encoded(wire::SessionValidity{touch->session, valid});
            return queue(learner, PacketType::kRevalidate, packet.zxid, Bytes::copy_of(answer));
        }
        case PacketType::kRequest: return take_request(learner, packet);
        default: return;
    }
}

// --- discovery -------------------------------------------------------------------------------------------------------

void JavaLeader::take_info(Learner& learner, const wire::QuorumPacket& packet) {
    const bool follows = packet.type == PacketType::kFollowerInfo;
    if (!follows && packet.type != PacketType::kObserverInfo)
        return drop(learner.link, "the first packet is no FOLLOWERINFO");
    const auto info = wire::decode_learner_info(packet.data.view());
    if (!info || info->config_version > 0) return drop(learner.link, "its LearnerInfo");
    ZABD_ASSERT(info->server == static_cast<std::int64_t>(learner.server));
    learner.votes = follows && peer_.options().voters.contains(learner.server);
    learner.phase = LearnerPhase::kWaitsForEpoch;
    collect(learner.server, packet.zxid.epoch());
    if (phase_ != Phase::kCollecting) let_go_on(LearnerPhase::kWaitsForEpoch);
}

void JavaLeader::collect(ServerId server, Epoch accepted) {
    if (phase_ != Phase::kCollecting) return;
    epoch_ = std::max(epoch_, accepted + 1);
    if (peer_.options().voters.contains(server)) infos_.insert(server);
    if (!quorum(infos_)) return;
    peer_.accept_epoch(epoch_);
    phase_ = Phase::kPromising;
    phase_since_ = peer_.now();
    promise(peer_id());
    let_go_on(LearnerPhase::kWaitsForEpoch);
}

/// All learners whose threads waited for that.
void JavaLeader::let_go_on(LearnerPhase from) {
    std::vector<LinkId> links;
    for (const auto& [link, learner] : learners_)
        if (learner.phase == from) links.push_back(link);
    for (const auto link : links) {
        if (auto* learner = find(link); learner && learner->phase == from) go_on(*learner);
        take_all(link);
    }
}

void JavaLeader::go_on(Learner& learner) {
    if (learner.phase == LearnerPhase::kWaitsForEpoch) {
        learner.phase = LearnerPhase::kAckEpoch;
        send(learner, {PacketType::kLeaderInfo, Zxid::of(epoch_, 0), wire::encoded_info(wire::LeaderInfo{})});
    } else if (learner.phase == LearnerPhase::kWaitsForPromises) {
        synchronise(learner);
    } else {
        learner.phase = LearnerPhase::kUp;
        queue(learner, PacketType::kUpToDate, kZxidUnknown);
    }
}

void JavaLeader::take_ack_epoch(Learner& learner, const wire::QuorumPacket& packet) {
    if (packet.type != PacketType::kAckEpoch) return drop(learner.link, "the packet behind LEADERINFO is no ACKEPOCH");
    const auto current = wire::Decoder(packet.data.view()).get_int();
    learner.last = packet.zxid;
    learner.phase = LearnerPhase::kWaitsForPromises;
    if (phase_ == Phase::kPromising && current != -1) {
        const auto its = std::pair(static_cast<std::int64_t>(current), static_cast<std::int64_t>(packet.zxid.value));
        const auto own =
            std::pair(static_cast<std::int64_t>(current_before_), static_cast<std::int64_t>(last_before_.value));
        if (its > own) return drop(learner.link, "it is ahead of the leader");
        if (packet.zxid != kZxidUnknown && learner.votes) promise(learner.server);
    }
    if (phase_ >= Phase::kSyncing) let_go_on(LearnerPhase::kWaitsForPromises);
}

void JavaLeader::promise(ServerId server) {
    promises_.insert(server);
    if (phase_ != Phase::kPromising || !quorum(promises_)) return;
    phase_ = Phase::kSyncing;
    phase_since_ = peer_.now();
    peer_.adopt_epoch(epoch_);
    last_proposed_ = Zxid::of(epoch_, 0);
    count_new_leader(peer_id());
}

void JavaLeader::count_new_leader(ServerId server) {
    new_leader_acks_.insert(server);
    if (phase_ == Phase::kSyncing && quorum(new_leader_acks_)) serve();
}

void JavaLeader::serve() {
    phase_ = Phase::kServing;
    peer_.established(epoch_);
    peer_.tell_committed();
    peer_.set_last(Zxid::of(epoch_, 0));
    last_committed_ = Zxid::of(epoch_, 0);
    ahead_ = peer_.tree().state();
    preparer_ = std::make_unique<znode::Preparer>(*ahead_, peer_.options().prepare);
    for (const auto& [session, timeout_ms] : peer_.tree().sessions()) sessions_.track(session, timeout_ms, peer_.now());
    let_go_on(LearnerPhase::kWaitsForStart);
}

// --- staying the leader ----------------------------------------------------------------------------------------------

void JavaLeader::tick() {
    const auto& options = peer_.options();
    if (phase_ != Phase::kServing) {
        if (peer_.now() - phase_since_ > options.tick * options.init_limit)
            return step_down("a quorum has not come in time");
    } else {
        for (const auto session : sessions_.expire(peer_.now())) {
            const wire::ForwardedRequest request{
                .session = session, .xid = 0, .op = wire::OpCode::kCloseSession, .body = {}};
            prepare(nullptr, request, {});
        }
        if (full_tick_) look_at_learners();
        if (phase_ == Phase::kOver) return;
        full_tick_ = !full_tick_;
    }
    ping_all();
    peer_.after(options.tick / 2, [this] { tick(); });
}

void JavaLeader::look_at_learners() {
    const auto& options = peer_.options();
    std::set<ServerId> heard{peer_id()};
    for (const auto& [link, learner] : learners_)
        if (learner.votes && learner.phase == LearnerPhase::kUp &&
            peer_.now() - learner.heard <= options.tick * options.sync_limit)
            heard.insert(learner.server);
    if (!quorum(heard)) step_down("no quorum is heard any more");
}

void JavaLeader::ping_all() {
    const auto& options = peer_.options();
    std::vector<std::pair<LinkId, std::string>> dropped;
    for (auto& [link, learner] : learners_) {
        const bool up = learner.phase == LearnerPhase::kUp;
        const auto limit = options.tick * (up ? options.sync_limit : options.init_limit);
        const bool owes = up && !learner.unacked.empty() &&
                          peer_.now() - learner.unacked.front().second > options.tick * options.sync_limit;
        if (peer_.now() - learner.heard > limit) {
            dropped.emplace_back(link, "it is silent");
        } else if (owes) {
            dropped.emplace_back(link, "it does not acknowledge");
        } else if (learner.sends) {
            queue(learner, PacketType::kPing, last_proposed_);
        }
    }
    for (const auto& [link, why] : dropped) drop(link, why);
}

}  // namespace zabd::sim
