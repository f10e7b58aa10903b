// I-DISK: what a server tells its peers of itself could be read from its disk again after a power cut at that moment.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>

namespace zabd::sim {

class ClaimsChecker final : public Checker {
public:
    void on_packet_sent(ServerId server, ServerId, const wire::QuorumPacket& packet, const DiskFacts& disk) override;
    void on_recovery(const Recovery& recovery, const Model& model) override;
    void on_replaced(ServerId server, Zxid) override { claimed_.erase(server); }
    void on_proposed(const History::Record&) override { any_logged_ = true; }
    void on_hard_state_saved(ServerId server, const zab::HardState& state) override;
    void on_disk_lost(ServerId server, bool empty) override;
    void on_truncated(ServerId server, Zxid zxid) override;

private:
    void check_lost(ServerId server) const;
    static void check_ack(ServerId server, const wire::QuorumPacket& packet, const DiskFacts& disk);

    std::map<ServerId, Zxid> claimed_;  // to be durable, by an ack
    std::map<ServerId, bool> lost_;     // disks, and the history not got back yet; true: it has started since
    bool any_logged_ = false;           // by anybody: before, there is nothing to lose
};

}  // namespace zabd::sim
