#include "tests/sim/faults.hpp"

namespace zabd::sim {

namespace {

constexpr std::array<FaultKind, kFaultKinds> kKinds{{
    {Fault::kLoss, "network", "loss"},
    {Fault::kDuplicate, "network", "duplicate"},
    {Fault::kReorder, "network", "reorder between links"},
    {Fault::kDelaySpike, "network", "delay spike"},
    {Fault::kClog, "network", "link clog"},
    {Fault::kOneWayCut, "network", "one-way cut"},
    {Fault::kBridgePartition, "network", "bridge partition"},
    {Fault::kRingPartition, "network", "ring partition"},
    {Fault::kMajorityCut, "network", "majority/minority cut"},
    {Fault::kHalfOpen, "network", "half-open connection"},
    {Fault::kResetMidFrame, "network", "reset mid-frame"},
    {Fault::kKill, "process", "kill"},
    {Fault::kKillAll, "process", "kill of all at once"},
    {Fault::kPause, "process", "pause"},
    {Fault::kSlowCpu, "process", "slow CPU"},
    {Fault::kAmnesia, "process", "restart with empty disk"},
    {Fault::kOldImage, "process", "restart with old disk image"},
    {Fault::kLostUnsynced, "storage", "crash losing unsynced writes"},
    {Fault::kTornWrite, "storage", "torn write"},
    {Fault::kReorderedWrites, "storage", "reordered unsynced writes"},
    {Fault::kLostDirectoryEntry, "storage", "lost directory entry"},
    {Fault::kSyncError, "storage", "sync error"},
    {Fault::kReadError, "storage", "read error"},
    {Fault::kDiskFull, "storage", "disk full"},
    {Fault::kSlowSync, "storage", "slow sync"},
    {Fault::kBitFlip, "storage", "bit flip"},
    {Fault::kWrongBlock, "storage", "misdirected or stale block"},
    {Fault::kWallStep, "time", "wall-clock step"},
    {Fault::kMonotonicStall, "time", "monotonic stall"},
    {Fault::kResent, "client", "request resent after loss"},
    {Fault::kReconnectStorm, "client", "reconnect storm"},
    {Fault::kReconfiguration, "operator", "rolling restart during a fault"},
}};

}  // namespace

const std::array<FaultKind, kFaultKinds>& fault_kinds() { return kKinds; }

}  // namespace zabd::sim
