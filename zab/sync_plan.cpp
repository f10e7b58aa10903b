#include "zab/sync_plan.hpp"

#include <algorithm>

namespace zabd::zab {

SyncPlan plan_sync(const History& ours, Zxid committed, const LearnerHistory& learner) {
    using enum SyncPlan::Kind;
    if (learner.last == kZxidUnknown) return {};
    const auto common = ours.greatest_up_to(std::min(learner.last, committed));
    if (!common) return {};
    if (*common == learner.last) return {kDiff, committed, *common};
    // It has led or joined an epoch in which nothing was proposed: behind its last record there is nothing to cut.
    if (learner.last.counter() == 0) return {kDiff, committed, *common};
    const bool across_epochs = common->epoch() != learner.last.epoch() && *common != committed;
    if ((across_epochs && !learner.zabd) || learner.provisional) return {};
    return {kTrunc, *common, *common};
}

}  // namespace zabd::zab
