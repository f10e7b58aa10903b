#include "tests/sim/faults.hpp"

namespace zabd::sim {

namespace {

// The floors are a third of what 1000 seeds injected when they were set.
constexpr std::array<FaultKind, kFaultKinds> kKinds{{
    {Fault::kLoss, "network", "loss", 1000},
    {Fault::kDuplicate, "network", "duplicate", 30000},
    {Fault::kReorder, "network", "reorder between links", 300},
    {Fault::kDelaySpike, "network", "delay spike", 400},
    {Fault::kClog, "network", "link clog", 700},
    {Fault::kOneWayCut, "network", "one-way cut", 300},
    {Fault::kBridgePartition, "network", "bridge partition", 70},
    {Fault::kRingPartition, "network", "ring partition", 70},
    {Fault::kMajorityCut, "network", "majority/minority cut", 100},
    {Fault::kHalfOpen, "network", "half-open connection", 600},
    {Fault::kResetMidFrame, "network", "reset mid-frame", 200},
    {Fault::kKill, "process", "kill", 1000},
    {Fault::kKillAll, "process", "kill of all at once", 700},
    {Fault::kPause, "process", "pause", 300},
    {Fault::kSlowCpu, "process", "slow CPU", 300},
    {Fault::kAmnesia, "process", "restart with empty disk", 100},
    {Fault::kOldImage, "process", "restart with old disk image", 10},
    {Fault::kLostUnsynced, "storage", "crash losing unsynced writes", 300},
    {Fault::kTornWrite, "storage", "torn write", 40},
    {Fault::kReorderedWrites, "storage", "reordered unsynced writes", 50},
    {Fault::kLostDirectoryEntry, "storage", "lost directory entry", 100},
    {Fault::kSyncError, "storage", "sync error", 300},
    {Fault::kReadError, "storage", "read error", 600},
    {Fault::kDiskFull, "storage", "disk full", 300},
    {Fault::kSlowSync, "storage", "slow sync", 4000},
    {Fault::kBitFlip, "storage", "bit flip", 4},
    {Fault::kWrongBlock, "storage", "misdirected or stale block", 7},
    {Fault::kWallStep, "time", "wall-clock step", 300},
    {Fault::kMonotonicStall, "time", "monotonic stall", 300},
    {Fault::kResent, "client", "request resent after loss", 1000},
    {Fault::kReconnectStorm, "client", "reconnect storm", 400},
    {Fault::kReconfiguration, "operator", "rolling restart during a fault", 300},
}};

}  // namespace

const std::array<FaultKind, kFaultKinds>& fault_kinds() { return kKinds; }

std::vector<TooRare> too_rare(const FaultCounts& counts, std::uint64_t seeds) {
    std::vector<TooRare> found;
    if (seeds < 1000) return found;
    for (const auto& kind : kKinds) {
        const auto floor = kind.per_1000_seeds * seeds / 1000;
        if (counts.of(kind.fault) < floor) found.push_back({kind.name, counts.of(kind.fault), floor});
    }
    return found;
}

}  // namespace zabd::sim
