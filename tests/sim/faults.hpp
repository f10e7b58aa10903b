// The 32 kinds of fault, in one table with their counters and with how often each must come at least.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace zabd::sim {

enum class Fault : std::uint8_t {
    // network
    kLoss,
    kDuplicate,
    kReorder,
    kDelaySpike,
    kClog,
    kOneWayCut,
    kBridgePartition,
    kRingPartition,
    kMajorityCut,
    kHalfOpen,
    kResetMidFrame,
    // process
    kKill,
    kKillAll,
    kPause,
    kSlowCpu,
    kAmnesia,
    kOldImage,
    // storage
    kLostUnsynced,
    kTornWrite,
    kReorderedWrites,
    kLostDirectoryEntry,
    kSyncError,
    kReadError,
    kDiskFull,
    kSlowSync,
    kBitFlip,
    kWrongBlock,
    // time
    kWallStep,
    kMonotonicStall,
    // client and operator
    kResent,
    kReconnectStorm,
    kReconfiguration,
};

inline constexpr std::size_t kFaultKinds = 32;
static_assert(static_cast<std::size_t>(Fault::kReconfiguration) + 1 == kFaultKinds);

struct FaultKind {
    Fault fault;
    std::string_view group;
    std::string_view name;
    std::uint64_t per_1000_seeds;  // at least, of seeds that draw the size of their ensemble
};

[[nodiscard]] const std::array<FaultKind, kFaultKinds>& fault_kinds();

class FaultCounts {
public:
    void add(Fault fault, std::uint64_t times = 1) { counts_[static_cast<std::size_t>(fault)] += times; }
    void add(const FaultCounts& other) {
        for (std::size_t n = 0; n < kFaultKinds; ++n) counts_[n] += other.counts_[n];
    }
    [[nodiscard]] std::uint64_t of(Fault fault) const { return counts_[static_cast<std::size_t>(fault)]; }

private:
    std::array<std::uint64_t, kFaultKinds> counts_{};
};

struct TooRare {
    std::string_view name;
    std::uint64_t count = 0;
    std::uint64_t floor = 0;
};
/// None of fewer than 1000 seeds: chance has too large a part in those.
[[nodiscard]] std::vector<TooRare> too_rare(const FaultCounts& counts, std::uint64_t seeds);

}  // namespace zabd::sim
