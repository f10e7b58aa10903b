#include "tests/sim/faults.hpp"

namespace zabd::sim {

namespace {

constexpr std::string_view kNeedsPeers = "needs peers";
constexpr std::string_view kNotForOne = "a lone server cannot tell it";
constexpr std::string_view kNoReconfiguration = "needs an ensemble";

constexpr std::array<FaultKind, kFaultKinds> kKinds{{
    {Fault::kLoss, "network", "loss", kNeedsPeers},
    {Fault::kDuplicate, "network", "duplicate", kNeedsPeers},
    {Fault::kReorder, "network", "reorder between links", kNeedsPeers},
    {Fault::kDelaySpike, "network", "delay spike", ""},
    {Fault::kClog, "network", "link clog", ""},
    {Fault::kOneWayCut, "network", "one-way cut", ""},
    {Fault::kBridgePartition, "network", "bridge partition", kNeedsPeers},
    {Fault::kRingPartition, "network", "ring partition", kNeedsPeers},
    {Fault::kMajorityCut, "network", "majority/minority cut", kNeedsPeers},
    {Fault::kHalfOpen, "network", "half-open connection", ""},
    {Fault::kResetMidFrame, "network", "reset mid-frame", ""},
    {Fault::kKill, "process", "kill", ""},
    {Fault::kKillAll, "process", "kill of all at once", kNeedsPeers},
    {Fault::kPause, "process", "pause", ""},
    {Fault::kSlowCpu, "process", "slow CPU", ""},
    {Fault::kAmnesia, "process", "restart with empty disk", kNotForOne},
    {Fault::kOldImage, "process", "restart with old disk image", kNotForOne},
    {Fault::kLostUnsynced, "storage", "crash losing unsynced writes", ""},
    {Fault::kTornWrite, "storage", "torn write", ""},
    {Fault::kReorderedWrites, "storage", "reordered unsynced writes", ""},
    {Fault::kLostDirectoryEntry, "storage", "lost directory entry", ""},
    {Fault::kSyncError, "storage", "sync error", ""},
    {Fault::kReadError, "storage", "read error", ""},
    {Fault::kDiskFull, "storage", "disk full", ""},
    {Fault::kSlowSync, "storage", "slow sync", ""},
    {Fault::kBitFlip, "storage", "bit flip", ""},
    {Fault::kWrongBlock, "storage", "misdirected or stale block", ""},
    {Fault::kWallStep, "time", "wall-clock step", ""},
    {Fault::kMonotonicStall, "time", "monotonic stall", ""},
    {Fault::kResent, "client", "request resent after loss", ""},
    {Fault::kReconnectStorm, "client", "reconnect storm", ""},
    {Fault::kReconfiguration, "operator", "reconfiguration during a fault", kNoReconfiguration},
}};

}  // namespace

const std::array<FaultKind, kFaultKinds>& fault_kinds() { return kKinds; }

}  // namespace zabd::sim
