// What a power cut leaves of a disk: one of the states that are legal, drawn at random.
#pragma once

#include "tests/sim/disk.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/random.hpp"

namespace zabd::sim {

/// The manners in which unsynced changes come or do not come to the disk.
enum class Loss : std::uint8_t {
    kAll,      // nothing unsynced survives
    kSuffix,   // what was written first survives
    kBlocks,   // any blocks of 4096 bytes survive, in no order
    kSectors,  // any sectors survive: a write is torn
    kNone,     // everything survives
};

[[nodiscard]] std::vector<bool> survivors(const std::vector<Disk::Unsynced>& unsynced, Loss loss, Random& random);

/// Cuts the power and counts what kinds of fault that was.
void cut_power(Disk& disk, Random& random, FaultCounts& faults);

/// Damages one file of the log as time does: a flipped bit, or a block that holds what belongs elsewhere or what it held
/// before. Not within the last batch that reads: that would look like a torn write, which is told in docs/storage.md.
/// False: there is nothing to damage.
bool damage_at_rest(Disk& disk, const Disk::Path& directory, Random& random, FaultCounts& faults);

}  // namespace zabd::sim
