#include "tests/sim/checkers/synced.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::PacketType;

void SyncedChecker::on_packet_sent(ServerId from, ServerId to, const wire::QuorumPacket& packet,
                                   const DiskFacts& disk) {
    auto& sync = syncs_[{from, to}];
    switch (packet.type) {
        case PacketType::kDiff:
        case PacketType::kTrunc: sync = {}; return;
        case PacketType::kSnap: sync = {.up_to = packet.zxid, .epoch = 0}; return;
        case PacketType::kProposal:
            if (sync.epoch == 0) sync.up_to = std::max(sync.up_to, packet.zxid);
            return;
        case PacketType::kNewLeader: sync.epoch = packet.zxid.epoch(); return;
        case PacketType::kAck: break;
        default: return;
    }
    const auto epoch = packet.zxid.epoch();
    const auto& told = syncs_[{to, from}];
    if (packet.zxid.counter() == 0 && told.epoch == epoch && disk.log_durable < told.up_to)
        violated("I-DISK", fmt::format("server {} acknowledges epoch {} with a log up to {:#x}, and was sent {:#x}",
                                       number(from), epoch, disk.log_durable.value, told.up_to.value));
}

}  // namespace zabd::sim
