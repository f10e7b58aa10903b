#include "tests/sim/packet_tap.hpp"

#include "wire/jute.hpp"
#include "wire/opcodes.hpp"

#include <utility>

namespace zabd::sim {

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

bool asks_for(const QuorumPacket& packet, wire::OpCode op) {
    const auto request = wire::decode_request(packet.data.view());
    return request && request->op == op;
}

}  // namespace

PacketTap::Passed PacketTap::pass(std::string_view bytes, Planted planted, Random& random,
                                  const std::function<void(const QuorumPacket&)>& see) {
    Passed passed;
    splitter_.feed(bytes);
    while (auto packet = splitter_.next()) {
        see(*packet);
        plant(std::move(*packet), planted, random, passed);
    }
    return passed;
}

void PacketTap::plant(QuorumPacket packet, Planted planted, Random& random, Passed& out) {
    const auto type = packet.type;
    if (type == PacketType::kUpToDate) up_to_date_ = true;
    const auto send = [&](const QuorumPacket& one) { wire::encode(out.sent, one); };
    const auto hear = [&](const QuorumPacket& one) { wire::encode(out.heard, one); };
    switch (planted.bug) {
        case Bug::kProposalDropped:
            if (type == PacketType::kProposal && !up_to_date_) return;
            break;
        case Bug::kProposalAltered:
            if (type == PacketType::kProposal && random.per_mille(5)) packet.data = altered(packet.data);
            break;
        case Bug::kCommitDropped:
            if (type == PacketType::kCommit) return;
            break;
        case Bug::kInformDropped:
            if (type == PacketType::kInform && random.per_mille(50)) return;
            break;
        case Bug::kUpToDateEarly:
            if (type == PacketType::kNewLeader) {
                send(packet);
                packet = {.type = PacketType::kUpToDate, .zxid = kZxidUnknown, .data = {}};
            }
            break;
        case Bug::kNewLeaderAckedEarly:
            if (type == PacketType::kNewLeader) hear(ack_of(packet.zxid));
            break;
        case Bug::kAckOfDead:
            if (type == PacketType::kProposal && up_to_date_) hear(ack_of(packet.zxid));
            break;
        case Bug::kAckInflated:
            if (type == PacketType::kAck && packet.zxid.counter() != 0) packet.zxid = moved(packet.zxid, 1);
            break;
        case Bug::kDiffForAll:
            if (type == PacketType::kTrunc) packet.type = PacketType::kDiff;
            break;
        case Bug::kTruncTooFar:
            if (type == PacketType::kTrunc && packet.zxid.counter() > 1) packet.zxid = moved(packet.zxid, -1);
            break;
        case Bug::kRequestForwardedTwice:
            if (type == PacketType::kRequest && random.per_mille(20)) send(packet);
            break;
        case Bug::kRequestDropped:
            if (type == PacketType::kRequest && random.per_mille(20)) return;
            break;
        case Bug::kRevalidatedAlways:
            if (type == PacketType::kRevalidate)
                if (auto answer = wire::decoded<wire::SessionValidity>(packet.data.view())) {
                    answer->valid = true;
                    packet.data = Bytes::copy_of(wire::encoded(*answer));
                }
            break;
        case Bug::kTouchesDropped:
            if (type == PacketType::kPing) packet.data = {};
            break;
        case Bug::kSecretNotSpread:
            if (type == PacketType::kLeaderInfo)
                packet.data = wire::encoded_info(wire::LeaderInfo{.secret = wire::ClusterSecret{}});
            break;
        case Bug::kSyncAnsweredAtOnce:
            if (type == PacketType::kRequest && asks_for(packet, wire::OpCode::kSync)) {
                hear({.type = PacketType::kSync, .zxid = Zxid{}, .data = {}});
                return;
            }
            break;
        default: break;
    }
    send(packet);
}

}  // namespace zabd::sim
