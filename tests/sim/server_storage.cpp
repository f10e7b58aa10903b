// The storage's threads of a simulated server: what they do takes its time, and may be cut short.
#include "tests/sim/server.hpp"
#include "wire/assert.hpp"

#include <utility>

namespace zabd::sim {

namespace {

constexpr std::uint64_t kWrittenInPlace = 100;  // of a thousand batches
constexpr Duration kReadMin{100};
constexpr Duration kReadMax = milliseconds(20);

}  // namespace

// --- what the core asks for ------------------------------------------------------------------------------------------

void Server::carry_out(core::TruncateLog& output) {
    stage_.trace.event("server {} cuts its log to {:#x}", number(id()), output.up_to.value);
    ZABD_ASSERT(!install_);
    oracle_.truncated(output.up_to);
    cuts_.push_back(output.up_to);
    ++cuts_asked_;
    if (stage_.planted.is(Bug::kTruncIgnored)) {
        after(milliseconds(1),
              [this, up_to = output.up_to] { input([this, up_to] { step(core::LogTruncated{up_to}); }); });
        return;
    }
    store_.log().truncate(output.up_to);
}

void Server::carry_out(core::ReadLog& output) {
    const auto wait = stage_.random.mostly_short(kReadMin, kReadMax);
    after(wait, [this, asked = output] {
        std::vector<zab::Record> records;
        auto read = store_.log().segments().read(asked.after, asked.bytes_max);
        if (!read) return die(read.error());
        for (auto& [zxid, txn] : *read) records.push_back({zxid, std::move(txn)});
        if (stage_.planted.is(Bug::kReadSkipsRecord) && records.size() > 2) records.erase(records.begin() + 1);
        input([this, tag = asked.tag, records] { step(core::LogRead{tag, records}); });
    });
}

void Server::carry_out(core::SaveHardState& output) {
    disk_facts_.hard_state_asked = output.state;
    if (install_) {
        after_install_.push_back([this, state = output.state] { hard_states_.push_back(state); });
        return;
    }
    hard_states_.push_back(output.state);
    if (stage_.planted.is(Bug::kHardStateSavedLate))
        after(Duration(0), [this] { input([this] { step(core::HardStateSaved{}); }); });
}

void Server::carry_out(core::PutInstall& output) { store_.put_install(std::move(output.images), output.begins); }

void Server::carry_out(core::FinishInstall& output) {
    stage_.trace.event("server {} installs a state of {:#x}", number(id()), output.zxid.value);
    ZABD_ASSERT(!install_);
    oracle_.replaced(output.zxid);
    install_ = replacing_ = output.zxid;
}

void Server::carry_out(core::DropInstall&) { store_.drop_install(); }

// --- jobs ------------------------------------------------------------------------------------------------------------

void Server::hold_disk(DiskHold hold) {
    disk_hold_ = hold;
    if (up()) after(Duration(0), [this] { begin_jobs(); });
}

void Server::begin_jobs() {
    if (disk_hold_ == DiskHold::kAll) return;
    if (!busy(Job::kHardState) && !busy(Job::kInstall) && disk_hold_ == DiskHold::kNone) {
        if (!hard_states_.empty()) {
            begin(Job::kHardState);
        } else if (install_) {
            begin(Job::kInstall);
        }
    }
    if (install_) return;  // what the old ones say does not count any more
    if (!busy(Job::kErrand)) {
        errand_ = store_.log().next_errand(now().monotonic);
        if (errand_) begin(Job::kErrand);
        // It may have let go of segments, to be used again.
        if (store_.log().progress().zxid_begin != log_begin_told_)
            after(Duration(0), [this] { input([this] { hear_of_log(); }); });
    }
    const auto due = store_.checkpoint().due();
    if (!busy(Job::kCommit) && due && *due <= now().monotonic) begin(Job::kCommit);
    if (busy(Job::kBatch) || !store_.log().has_batch()) return;
    if (!draining_ && !member() && stage_.random.per_mille(kWrittenInPlace)) return write_in_place();
    begin(Job::kBatch);
}

/// As the core's thread does when the disk is fast and nothing else waits.
void Server::write_in_place() {
    if (auto written = store_.log().write_batch(); !written) return die(written.error());
    after(Duration(0), [this] { input([this] { hear_of_log(); }); });
}

void Server::begin(Job job) {
    busy_[static_cast<std::size_t>(job)] = true;
    const bool short_one = job == Job::kBatch || job == Job::kHardState;
    auto time = sync_time() * (short_one ? 1 : 3);
    if (job == Job::kInstall && stage_.planted.is(Bug::kInstallNotAtomic)) time *= 1000;  // for a crash in its midst
    after(time, [this, job, storage = storage_number_] { finish(job, storage); });
}

void Server::finish(Job job, std::uint64_t storage) {
    if (storage != storage_number_ && job <= Job::kCommit) return;
    if (const auto now = stage_.queue.now(); now < paused_until_)
        return after(paused_until_ - now, [this, job, storage] { finish(job, storage); });
    if (stage_.planted.is(Bug::kLogThreadDies) && job == Job::kBatch && stage_.random.per_mille(3)) return;
    auto done = carry_out(job);
    busy_[static_cast<std::size_t>(job)] = false;
    if (!done) {
        if (job == Job::kInstall && done.error().code == Errc::kNoSpace) return begin(job);
        return die(done.error());
    }
    const auto hops = stage_.random.between(Duration(0), Duration(100));
    switch (job) {
        case Job::kCommit:
            for (auto& images : std::exchange(images_meanwhile_, {}))
                store_.checkpoint().take(std::move(images), now().monotonic);
            after(hops, [this] { input([this] { hear_of_checkpoint(); }); });
            open_waiting_snapshots();
            break;
        case Job::kHardState:
            after(hops, [this, state = hard_states_.front()] { input([this, state] { hear_of_hard_state(state); }); });
            hard_states_.pop_front();
            break;
        case Job::kInstall: {
            const auto zxid = *std::exchange(install_, std::nullopt);
            busy_ = {};
            ++storage_number_;
            errand_.reset();
            images_meanwhile_.clear();
            cuts_.clear();
            cuts_told_ = cuts_asked_ = 0;
            for (const auto& action : std::exchange(after_install_, {})) action();
            hear_of_install(zxid);
            break;
        }
        default: after(hops, [this] { input([this] { hear_of_log(); }); });
    }
    if (up()) begin_jobs();
}

Result<void> Server::carry_out(Job job) {
    switch (job) {
        case Job::kBatch: return store_.log().write_batch();
        case Job::kCommit: return store_.checkpoint().write(now().monotonic);
        case Job::kHardState: return store_.save(hard_states_.front());
        case Job::kInstall: return store_.install(*install_);
        case Job::kErrand: break;
    }
    auto done = storage::run_errand(store_.files(), *std::exchange(errand_, std::nullopt));
    if (!done) return std::unexpected(done.error());
    store_.log().finish_errand(std::move(*done), now().monotonic);
    return {};
}

void Server::interrupt_jobs() {
    if (disk().cut()) return;  // then nothing that is under way comes further
    const auto first = stage_.random.below(busy_.size());
    for (std::size_t n = 0; n < busy_.size(); ++n) {
        const auto job = static_cast<Job>((first + n) % busy_.size());
        if (!busy(job) || (job == Job::kErrand && !errand_)) continue;
        disk().cut_after(stage_.random.below(8));
        (void)carry_out(job);
        disk().restart();
        if (job == Job::kInstall) return;  // the others worked on what is gone
    }
}

// --- what the core hears ---------------------------------------------------------------------------------------------

void Server::hear_of_log() {
    const auto progress = store_.log().progress();
    while (cuts_told_ < progress.truncations) {
        ++cuts_told_;
        const auto up_to = cuts_.front();
        cuts_.pop_front();
        learn_disk_facts();
        // Figures of before are overtaken by a smaller one.
        const auto checkpoint = progress_.checkpoint();
        progress_ = {up_to, checkpoint.zxid_durable};
        progress_.take(checkpoint);
        step(core::LogTruncated{up_to});
    }
    progress_.take(store_.log().progress());
    tell_progress();
}

void Server::hear_of_checkpoint() {
    const auto before = progress_.checkpoint().zxid_durable;
    progress_.take(store_.checkpoint().progress());
    const auto durable = progress_.checkpoint().zxid_durable;
    if (durable != before) store_.log().release_through(std::min(durable, core_->log_needed()));
    tell_progress();
}

void Server::tell_progress() {
    learn_disk_facts();
    if (const auto begin = store_.log().progress().zxid_begin; std::exchange(log_begin_told_, begin) != begin)
        step(core::LogBegins{begin});
    const auto told = progress_.told();
    if (!told) return step(core::LogHeldBack{});
    oracle_.room_told(told->room.bytes != core::kUnlimitedRoom);
    step(told->room);
    if (!answers_before_sync()) step(told->durable);
}

void Server::hear_of_hard_state(const zab::HardState& state) {
    learn_disk_facts();
    oracle_.tell([&](Checker& checker) { checker.on_hard_state_saved(id(), state); });
    if (!stage_.planted.is(Bug::kHardStateSavedLate)) step(core::HardStateSaved{});
}

void Server::hear_of_install(Zxid zxid) {
    progress_ = {zxid, zxid};
    learn_generation(zxid);
    learn_disk_facts();
    input([this, zxid] { step(core::SnapshotInstalled{zxid}); });
}

// --- snapshots of the checkpoint -------------------------------------------------------------------------------------

void Server::carry_out(core::OpenSnapshot& output) {
    snapshots_wanted_.push_back(output.link);
    open_waiting_snapshots();
}

void Server::open_waiting_snapshots() {
    if (!store_.twin().stored().summary.present) return;
    for (const auto link : std::exchange(snapshots_wanted_, {}))
        after(stage_.random.mostly_short(kReadMin, kReadMax), [this, link] {
            const auto peer = peers_.find(link);
            if (peer == peers_.end()) return;
            peer->second.view = store_.twin().stored();
            auto zxid = peer->second.view->summary.zxid;
            if (stage_.planted.is(Bug::kSnapshotOlder)) zxid = core_->status().zxid_applied;
            input([this, link, zxid] {
                if (peers_.contains(link)) step(core::SnapshotOpened{link, zxid});
            });
        });
}

}  // namespace zabd::sim
