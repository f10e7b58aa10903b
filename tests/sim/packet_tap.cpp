#include "tests/sim/packet_tap.hpp"

#include "wire/jute.hpp"
#include "wire/opcodes.hpp"

#include <utility>

namespace zabd::sim {

using wire::OpCode;
using wire::PacketType;
using wire::QuorumPacket;

namespace {

QuorumPacket ack_of(Zxid zxid) { return {.type = PacketType::kAck, .zxid = zxid, .data = {}}; }

Zxid moved(Zxid zxid, std::int64_t by) { return Zxid{zxid.value + static_cast<std::uint64_t>(by)}; }

Bytes altered(const Bytes& bytes) {
    std::string content(bytes.view());
    if (!content.empty()) content.back() = static_cast<char>(content.back() ^ 1);
    return Bytes::copy_of(content);
}

bool asks_for(const QuorumPacket& packet, OpCode op) {
    const auto request = wire::decode_request(packet.data.view());
    return request && request->op == op;
}

/// Both are writes of one session.
bool one_session(const QuorumPacket& one, const QuorumPacket& other) {
    const auto first = wire::decode_request(one.data.view());
    const auto second = wire::decode_request(other.data.view());
    return first && second && first->session == second->session && first->op != OpCode::kSync &&
           second->op != OpCode::kSync;
}

QuorumPacket expiry_of(SessionId session) {
    return {.type = PacketType::kRequest,
            .zxid = kZxidUnknown,
            .data = wire::encoded_request({.session = session, .xid = 0, .op = OpCode::kCloseSession, .body = {}})};
}

}  // namespace

PacketTap::Passed PacketTap::pass(std::string_view bytes, Planted planted, Random& random,
                                  const std::function<void(const QuorumPacket&)>& see) {
    Passed passed;
    splitter_.feed(bytes);
    while (auto packet = splitter_.next()) {
        see(*packet);
        if (packet->type == PacketType::kNewLeader) new_leader_sent_ = true;
        if (packet->type == PacketType::kUpToDate) up_to_date_ = true;
        plant(std::move(*packet), planted, random, passed);
    }
    return passed;
}

void PacketTap::plant(QuorumPacket packet, Planted planted, Random& random, Passed& out) {
    if (planted.bug < Bug::kProposalAltered) return plant_in_sync(std::move(packet), planted.bug, out);
    if (planted.bug < Bug::kRequestForwardedTwice)
        return plant_in_broadcast(std::move(packet), planted.bug, random, out);
    plant_in_requests(std::move(packet), planted.bug, random, out);
}

void PacketTap::plant_in_sync(QuorumPacket packet, Bug bug, Passed& out) {
    const auto type = packet.type;
    switch (bug) {
        case Bug::kLogEndUnderstated:
            if (type == PacketType::kAckEpoch && packet.zxid != kZxidUnknown && packet.zxid.counter() > 1)
                packet.zxid = moved(packet.zxid, -1);
            break;
        case Bug::kSecretNotSpread:
            if (type == PacketType::kLeaderInfo)
                packet.data = wire::encoded_info(wire::LeaderInfo{.secret = wire::ClusterSecret{}});
            break;
        case Bug::kDiffForAll:
            if (type == PacketType::kTrunc) packet.type = PacketType::kDiff;
            break;
        case Bug::kTruncTooFar:
            if (type == PacketType::kTrunc && packet.zxid.counter() > 1) packet.zxid = moved(packet.zxid, -1);
            break;
        case Bug::kNewLeaderEarly:
            if (!new_leader_sent_ && (type == PacketType::kProposal || type == PacketType::kCommit))
                return wire::encode(held_, packet);
            wire::encode(out.sent, packet);
            out.sent += std::exchange(held_, {});
            return;
        case Bug::kNewLeaderAckedEarly:
            if (type == PacketType::kNewLeader) wire::encode(out.heard, ack_of(packet.zxid));
            break;
        case Bug::kUpToDateEarly:
            if (type == PacketType::kUpToDate) return;
            if (type == PacketType::kNewLeader) {
                wire::encode(out.sent, packet);
                packet = {.type = PacketType::kUpToDate, .zxid = kZxidUnknown, .data = {}};
            }
            break;
        default: break;
    }
    wire::encode(out.sent, packet);
}

void PacketTap::plant_in_broadcast(QuorumPacket packet, Bug bug, Random& random, Passed& out) {
    const auto type = packet.type;
    switch (bug) {
        case Bug::kProposalAltered:
            if (type == PacketType::kProposal && random.per_mille(5)) packet.data = altered(packet.data);
            break;
        case Bug::kAckInflated:
            if (type == PacketType::kAck && packet.zxid.counter() != 0) packet.zxid = moved(packet.zxid, 1);
            break;
        case Bug::kAckOfDead:
            if (type == PacketType::kProposal && up_to_date_) wire::encode(out.heard, ack_of(packet.zxid));
            break;
        case Bug::kCommitBeforeQuorum:
            if (type == PacketType::kProposal && up_to_date_) {
                wire::encode(out.sent, packet);
                packet = {.type = PacketType::kCommit, .zxid = packet.zxid, .data = {}};
            }
            break;
        case Bug::kCommitDropped:
            if (type == PacketType::kCommit) return;
            break;
        case Bug::kInformDropped:
            if (type == PacketType::kInform && random.per_mille(50)) return;
            break;
        default: break;
    }
    wire::encode(out.sent, packet);
}

void PacketTap::plant_in_requests(QuorumPacket packet, Bug bug, Random& random, Passed& out) {
    const auto type = packet.type;
    switch (bug) {
        case Bug::kRequestForwardedTwice:
            if (type == PacketType::kRequest && random.per_mille(20)) wire::encode(out.sent, packet);
            break;
        case Bug::kRequestDropped:
            if (type == PacketType::kRequest && random.per_mille(20)) return;
            break;
        case Bug::kRequestsSwapped: return swap_requests(std::move(packet), random, out);
        case Bug::kSyncAnsweredAtOnce:
            if (type == PacketType::kRequest && asks_for(packet, OpCode::kSync)) {
                wire::encode(out.heard, {.type = PacketType::kSync, .zxid = Zxid{}, .data = {}});
                return;
            }
            break;
        case Bug::kSyncBeforeCommits: return put_behind_sync(std::move(packet), out);
        case Bug::kTouchesDropped:
            if (type == PacketType::kPing) packet.data = {};
            break;
        case Bug::kExpiredByFollower:
            if (type == PacketType::kPing && random.per_mille(20))
                for (const auto& touch : wire::decode_touches(packet.data.view()))
                    wire::encode(out.sent, expiry_of(touch.session));
            break;
        default: break;
    }
    wire::encode(out.sent, packet);
}

/// A request waits for whatever comes next.
void PacketTap::swap_requests(QuorumPacket packet, Random& random, Passed& out) {
    const bool request = packet.type == PacketType::kRequest;
    if (auto before = std::exchange(request_behind_, std::nullopt)) {
        const bool swaps = request && one_session(*before, packet);
        if (!swaps) wire::encode(out.sent, *before);
        wire::encode(out.sent, packet);
        if (swaps) wire::encode(out.sent, *before);
        return;
    }
    if (request && random.per_mille(200)) {
        request_behind_ = std::move(packet);
    } else {
        wire::encode(out.sent, packet);
    }
}

/// COMMITs wait for the answer to a sync, or for a few pings.
void PacketTap::put_behind_sync(QuorumPacket packet, Passed& out) {
    constexpr int kPingsMax = 3;
    if (packet.type == PacketType::kCommit && up_to_date_) return wire::encode(held_, packet);
    wire::encode(out.sent, packet);
    const bool ping = packet.type == PacketType::kPing;
    if (packet.type != PacketType::kSync && !(ping && ++pings_ >= kPingsMax)) return;
    out.sent += std::exchange(held_, {});
    pings_ = 0;
}

}  // namespace zabd::sim
