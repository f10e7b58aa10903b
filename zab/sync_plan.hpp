// How a learner's history is brought to its leader's: DIFF, TRUNC or SNAP.
//
// Rule      membership, not range: the learner keeps what is a prefix of our committed history. If its last zxid is in
//           there, it is sent what lies behind; else it is cut back to the greatest of ours below it. If that lies before
//           what our log still has, it gets a snapshot. So all that it has once it is told to begin is committed.
// Effects   none: a function of two histories.
// Source    ZooKeeper's own choice (docs/zab.md), from whose answers a ZooKeeper learner can be told nothing new.
#pragma once

#include "wire/ids.hpp"
#include "zab/history.hpp"

#include <cstdint>

namespace zabd::zab {

struct SyncPlan {
    enum class Kind : std::uint8_t { kDiff, kTrunc, kSnap } kind = Kind::kSnap;
    Zxid zxid;    // of the packet that opens it; a snapshot's is known later
    Zxid cursor;  // what the learner then has; the rest follows. A snapshot's is known later
    friend bool operator==(const SyncPlan&, const SyncPlan&) = default;
};

struct LearnerHistory {
    Zxid last;                 // kZxidUnknown: it has nothing that may be kept
    bool zabd = true;          // else it cannot cut back across epochs while we have newer ones
    bool provisional = false;  // it may not be able to cut back at all
};
/// `committed` is in our history.
[[nodiscard]] SyncPlan plan_sync(const History& ours, Zxid committed, const LearnerHistory& learner);

}  // namespace zabd::zab
