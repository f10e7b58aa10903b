#include "zab/replica.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::zab {

Replica::Replica(const Options& options, const Recovered& recovered)
    : options_(options),
      history_(recovered.log_begin, recovered.applied, recovered.epoch_ends),
      hard_state_(recovered.hard_state),
      durable_(recovered.applied),
      committed_(recovered.applied),
      delivered_(recovered.applied) {}

void Replica::recover(const Logged& logged) {
    history_.append({logged.zxid, logged.txn});
    durable_ = logged.zxid;
    ++in_flight_;
}

void Replica::append(Instant now, Record record, Outputs& out) {
    if (log_settled()) progress_at_ = now;
    out.emplace_back(AppendToLog{record.zxid, record.txn});
    history_.append(std::move(record));
    ++in_flight_;
}

void Replica::truncate(Instant now, Zxid up_to, Outputs& out) {
    if (up_to == history_.last()) return;
    ZABD_ASSERT(up_to >= committed_);
    if (log_settled()) progress_at_ = now;
    history_.truncate(up_to);
    reading_ = 0;  // what comes may be cut already
    durable_ = std::min(durable_, up_to);
    in_flight_ = 0;
    for (auto at = delivered_; const auto* record = history_.next(at); at = record->zxid) ++in_flight_;
    ++rewrites_pending_;
    out.emplace_back(TruncateLog{up_to});
}

void Replica::install(Instant now, Zxid zxid, Outputs& out) {
    if (log_settled()) progress_at_ = now;
    history_.reset(zxid);
    in_flight_ = 0;
    reading_ = 0;
    committed_ = delivered_ = zxid;
    durable_ = std::min(durable_, zxid);
    ++rewrites_pending_;
    out.emplace_back(InstallSnapshot{zxid});
}

void Replica::save(const HardState& state, Outputs& out) {
    ZABD_ASSERT(state.accepted_epoch >= hard_state_.accepted_epoch);
    ZABD_ASSERT(state.current_epoch >= hard_state_.current_epoch && state.current_epoch <= state.accepted_epoch);
    hard_state_ = state;
    ++saves_pending_;
    out.emplace_back(SaveHardState{state});
}

void Replica::note_mixed(bool mixed, Outputs& out) {
    auto state = hard_state_;
    if (mixed == state.mixed()) return;
    if (mixed && state.mixed_until == Zxid{}) state.mixed_from = history_.last();
    state.mixed_until = mixed ? kZxidUnknown : history_.last();
    save(state, out);
    out.emplace_back(Note{mixed ? "a ZooKeeper server is a member: sessions get passwords as ZooKeeper makes them"
                                : "no ZooKeeper server is a member any more: new sessions get keyed passwords"});
}

void Replica::commit(Zxid up_to) {
    ZABD_ASSERT(up_to <= history_.last());
    committed_ = std::max(committed_, up_to);
}

void Replica::deliver(Outputs& out) {
    const auto bound = std::min(committed_, durable_);
    while (delivered_ < bound && reading_ == 0 && rewrites_pending_ == 0) {
        if (const auto* record = history_.next(delivered_)) {
            deliver(*record, out);
            continue;
        }
        reading_ = next_tag();
        out.emplace_back(ReadLog{reading_, delivered_, options_.catch_up_bytes});
    }
    trim();
}

void Replica::trim() { history_.trim(options_.window_bytes_max, durable_); }

void Replica::deliver(const Record& record, Outputs& out) {
    ZABD_ASSERT(follows(delivered_, record.zxid));
    delivered_ = record.zxid;
    if (in_flight_ > 0) --in_flight_;
    out.emplace_back(Deliver{record.zxid, record.txn});
}

void Replica::on(Instant now, const LogDurable& durable) {
    if (rewrites_pending_ != 0) return;  // of what was there before
    ZABD_ASSERT(durable.up_to <= history_.last());
    if (durable.up_to <= durable_) return;
    durable_ = durable.up_to;
    progress_at_ = now;
}

void Replica::on(Instant now, const LogTruncated&) {
    --rewrites_pending_;
    progress_at_ = now;
}

void Replica::on(Instant now, const SnapshotInstalled& installed) {
    --rewrites_pending_;
    durable_ = std::max(durable_, std::min(installed.zxid, history_.last()));
    progress_at_ = now;
}

bool Replica::on(const LogRead& read, Outputs& out) {
    if (read.tag == 0 || read.tag != reading_) return false;
    reading_ = 0;
    if (read.records.empty()) fatal("the log has let go of what is not in the checkpoint yet");
    for (const auto& record : read.records) {
        if (record.zxid <= delivered_) continue;
        if (record.zxid > std::min(committed_, durable_)) break;
        deliver(record, out);
    }
    return true;
}

}  // namespace zabd::zab
