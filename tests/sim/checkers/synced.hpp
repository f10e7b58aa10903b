// I-DISK: who acknowledges NEWLEADER could read again after a power cut all that its leader sent it before.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>
#include <utility>

namespace zabd::sim {

class SyncedChecker final : public Checker {
public:
    void on_packet_sent(ServerId from, ServerId to, const wire::QuorumPacket& packet, const DiskFacts& disk) override;

private:
    struct Sync {
        Zxid up_to;       // of what was sent
        Epoch epoch = 0;  // of the NEWLEADER behind it; 0: not sent yet
    };
    std::map<std::pair<ServerId, ServerId>, Sync> syncs_;  // by leader and learner: the last one
};

}  // namespace zabd::sim
