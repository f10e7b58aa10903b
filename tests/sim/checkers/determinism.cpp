#include "tests/sim/checkers/determinism.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace zabd::sim {

namespace {

constexpr std::size_t kCheckpointsMax = 4;

void fold(Images& images, core::Outputs& outputs) {
    for (const auto& output : outputs.items)
        if (const auto* put = std::get_if<core::PutCheckpoint>(&output)) images.add(put->images);
    outputs.clear();
}

}  // namespace

void DeterminismChecker::on_committed(const Committed& committed, const Model&) {
    const auto& record = committed.record;
    if (history_.empty() || history_.back().zxid < record.header.zxid)
        history_.push_back({record.header.zxid, record.txn});
}

void DeterminismChecker::on_recovery(const Recovery& recovery, const Model&) {
    if (checkpoints_.empty()) checkpoints_.push_back(began_elsewhere_ ? recovery.checkpoint : Images{});
    const auto& from = checkpoints_[random_.below(checkpoints_.size())];
    const auto again = replayed(from, recovery);
    if (const auto found = difference(again, recovery.state))
        violated("I-DET",
                 fmt::format("replayed from zxid {:#x} and recovered from {:#x} to {:#x}: {}", from.summary.zxid.value,
                             recovery.checkpoint.summary.zxid.value, recovery.zxid.value, *found));
    if (recovery.core.status().digest != recovery.state.summary.digest)
        violated("I-DET", "the digest of the tree is not that of its images");
    checkpoints_.push_back(recovery.checkpoint);
    if (checkpoints_.size() > kCheckpointsMax) checkpoints_.erase(checkpoints_.begin());
}

Images DeterminismChecker::replayed(const Images& from, const Recovery& recovery) const {
    auto images = from;
    auto begin = from.summary.present ? restored(from) : core::Recovered{};
    if (!begin) violated("I-DET", begin.error().where);
    auto options = recovery.options;
    options.membership = zab::Membership({options.server});  // alone it applies what it reads
    options.window_bytes_max = std::size_t{1} << 30;         // of which nothing is read again
    begin->hard_state = recovery.disk.hard_state;
    core::Core core(options, std::move(*begin));
    core::Outputs outputs;
    auto record = std::ranges::upper_bound(history_, from.summary.zxid, {}, &Record::zxid);
    for (; record != history_.end() && record->zxid <= recovery.zxid; ++record) {
        core.step(core::LogRecovered{record->zxid, record->txn}, outputs);
        fold(images, outputs);
    }
    core.step(core::TimeIs{recovery.now}, outputs);
    fold(images, outputs);
    core.check_invariants();
    return images;
}

}  // namespace zabd::sim
