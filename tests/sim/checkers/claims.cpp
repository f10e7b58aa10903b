#include "tests/sim/checkers/claims.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::PacketType;

void ClaimsChecker::on_packet_sent(ServerId server, ServerId, const wire::QuorumPacket& packet, const DiskFacts& disk) {
    const auto accepts = [&](Epoch epoch, std::string_view what) {
        if (disk.hard_state.accepted_epoch < epoch)
            violated("I-DISK", fmt::format("server {} sends {} of epoch {}, and its disk has accepted {}",
                                           number(server), what, epoch, disk.hard_state.accepted_epoch));
    };
    switch (packet.type) {
        case PacketType::kFollowerInfo:
            // One without an epoch is not believed whatever it says: it may have been told that all is new.
            if (const auto info = wire::decode_learner_info(packet.data.view());
                info && !info->no_history && packet.zxid.epoch() != 0)
                check_lost(server);
            return;
        case PacketType::kLeaderInfo: return accepts(packet.zxid.epoch(), "LEADERINFO");
        case PacketType::kAckEpoch: return accepts(disk.hard_state_asked.accepted_epoch, "ACKEPOCH");
        case PacketType::kAck:
            check_ack(server, packet, disk);
            if (packet.zxid.counter() != 0) claimed_[server] = std::max(claimed_[server], packet.zxid);
            return;
        default: return;
    }
}

void ClaimsChecker::check_lost(ServerId server) const {
    if (any_logged_ && lost_.contains(server))
        violated("I-DISK", fmt::format("server {} has lost its history, and claims to have one", number(server)));
}

void ClaimsChecker::check_ack(ServerId server, const wire::QuorumPacket& packet, const DiskFacts& disk) {
    const auto epoch = packet.zxid.epoch();
    if (packet.zxid.counter() != 0) {
        if (packet.zxid <= disk.log_durable) return;
        violated("I-DISK", fmt::format("server {} acknowledges {:#x}, its log is durable up to {:#x}", number(server),
                                       packet.zxid.value, disk.log_durable.value));
    }
    if (disk.cut_pending)
        violated("I-DISK",
                 fmt::format("server {} acknowledges epoch {}, and its log is not cut yet", number(server), epoch));
    // Of NEWLEADER; the leader's of its learner's ACKEPOCH has the same form, and waits for the same.
    if (disk.hard_state.current_epoch < epoch)
        violated("I-DISK", fmt::format("server {} acknowledges epoch {}, its disk has {}", number(server), epoch,
                                       disk.hard_state.current_epoch));
}

void ClaimsChecker::on_disk_lost(ServerId server, bool empty) {
    claimed_.erase(server);
    if (empty) lost_[server] = false;
}

void ClaimsChecker::on_hard_state_saved(ServerId server, const zab::HardState& state) {
    if (state.has_history) lost_.erase(server);
}

void ClaimsChecker::on_truncated(ServerId server, Zxid zxid) {
    const auto claimed = claimed_.find(server);
    if (claimed != claimed_.end()) claimed->second = std::min(claimed->second, zxid);
}

void ClaimsChecker::on_recovery(const Recovery& recovery, const Model&) {
    if (const auto lost = lost_.find(recovery.server); lost != lost_.end()) {
        const bool got_back = recovery.disk.hard_state.has_history;
        if (got_back && !lost->second) check_lost(recovery.server);
        got_back ? void(lost_.erase(lost)) : void(lost->second = true);
    }
    const auto claimed = claimed_[recovery.server];
    if (recovery.disk.log_durable < claimed)
        violated("I-DUR", fmt::format("server {} starts with a log up to {:#x}, and had acknowledged {:#x}",
                                      number(recovery.server), recovery.disk.log_durable.value, claimed.value));
}

}  // namespace zabd::sim
