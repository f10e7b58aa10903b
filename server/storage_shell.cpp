#include "server/storage_shell.hpp"

#include "server/process.hpp"
#include "server/restore.hpp"
#include "storage/sync_probe.hpp"
#include "wire/assert.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

namespace zabd::server {

namespace asio = boost::asio;

namespace {

zab::HardState of_core(const storage::StoredHardState& stored) {
    return {.accepted_epoch = stored.accepted_epoch,
            .current_epoch = stored.current_epoch,
            .has_history = stored.has_history,
            .secret = stored.secret,
            .fuzzy_until = stored.fuzzy_until,
            .provisional = stored.provisional,
            .mixed_from = stored.mixed_from,
            .mixed_until = stored.mixed_until};
}

storage::HardStateWriter::Change change_to(const zab::HardState& state) {
    return [state](storage::StoredHardState& stored) {
        stored.accepted_epoch = state.accepted_epoch;
        stored.current_epoch = state.current_epoch;
        stored.has_history = state.has_history;
        stored.secret = state.secret;
        stored.fuzzy_until = state.fuzzy_until;
        stored.provisional = state.provisional;
        stored.mixed_from = state.mixed_from;
        stored.mixed_until = state.mixed_until;
    };
}

std::vector<zab::Record> of_core(storage::Log::Records records) {
    std::vector<zab::Record> result;
    result.reserve(records.size());
    for (auto& record : records) result.push_back({record.zxid, std::move(record.txn)});
    return result;
}

std::int64_t wall_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<milliseconds>(now).count();
}

/// When the file was last written, in wall ms; 0: it cannot be told.
std::int64_t written_at(const std::filesystem::path& file) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(file, error);
    if (error) return 0;
    const auto wall = std::chrono::file_clock::to_sys(time).time_since_epoch();
    return std::chrono::duration_cast<milliseconds>(wall).count();
}

}  // namespace

StorageShell::StorageShell(asio::io_context& io, const Config& config, CoreFeed& feed)
    : io_(io),
      config_(config),
      feed_(feed),
      log_signal_(io, [this](const auto& progress) { log_went_on(progress); }),
      checkpoint_signal_(io, [this](const auto& progress) { checkpoint_went_on(progress); }) {}

// --- start -----------------------------------------------------------------------------------------------------------

Result<void> StorageShell::open(const CoreMaking& making) {
    if (auto usable = check_directories(); !usable) return usable;
    Restorer restorer;
    auto state = restorer.visitor();
    state.on_progress = [](const storage::LoadProgress& progress) {
        spdlog::info("loading the checkpoint nodes={} of={}", progress.nodes, progress.nodes_in_all);
    };
    const auto on_state = [&](const storage::Found& found, storage::Checkpoint& into) -> Result<void> {
        loading_ = &into;
        auto recovered = restorer.finish(found.checkpoint);
        if (!recovered) return std::unexpected(recovered.error());
        recovered->hard_state = of_core(found.hard_state);
        recovered->log_begin = found.log_begin;
        recovered->epoch_ends = found.epoch_ends;
        making.on_state(std::move(*recovered));
        return {};
    };
    auto opened = storage::open_storage({.data_root = config_.data_dir,
                                         .log_root = config_.log_dir,
                                         .segment_bytes = config_.log_segment_bytes,
                                         .retain_bytes = config_.ensemble ? config_.log_retain_bytes : 0,
                                         .checkpoint = config_.checkpoint,
                                         .quarantine = config_.ensemble.has_value()},
                                        {.state = std::move(state),
                                         .on_state = on_state,
                                         .on_record =
                                             [&](storage::LogRecord record) {
                                                 making.on_record({record.zxid, std::move(record.txn)});
                                             },
                                         .on_quarantine = [&] { restorer.forget(); }});
    if (!opened) return std::unexpected(opened.error());
    storage_ = std::move(*opened);
    loading_ = storage_.checkpoint.get();
    if (storage_.quarantine) {
        spdlog::error("damaged: {}; log and checkpoint are put aside in {}, and the leader will give its own",
                      storage_.quarantine->reason, storage_.quarantine->directory.string());
    }
    return {};
}

Result<void> StorageShell::check_directories() const {
    if (config_.create_directories) return {};
    for (const auto& directory : {config_.data_dir, config_.log_dir}) {
        std::error_code error;
        if (std::filesystem::is_directory(directory, error)) continue;
        return failure(Errc::kIo,
                       directory.string() + ": is no directory, and datadir.autocreate=false forbids to make it");
    }
    return {};
}

void StorageShell::start() {
    progress_ = {storage_.log_found.zxid_last, storage_.checkpoint_found.zxid};
    begin_told_ = storage_.log_found.zxid_begin;
    const auto directory = storage_.directory->checkpoint_directory(storage_.hard_state_found.generation);
    checkpoint_at_ = written_at(directory / "data.mdb");
    start_log_and_checkpoint();
    report_sync_time();
}

void StorageShell::start_log_and_checkpoint() {
    storage_.checkpoint->start([tell = checkpoint_signal_.begin_source()](const auto& progress) {
        give_back_memory();  // of this thread's heap: a batch has just gone
        tell(progress);
    });
    storage_.log->start(log_signal_.begin_source());
}

// --- outputs ---------------------------------------------------------------------------------------------------------

void StorageShell::carry_out(core::AppendToLog& output) {
    if (log_stopped_) return;  // as if the process had ended before: nobody is told of it
    if (installing_) return void(kept_.emplace_back(std::move(output)));
    storage_.log->append(output.zxid, std::move(output.txn));
    appended_ = true;
}

void StorageShell::carry_out(core::PutCheckpoint& output) {
    if (installing_) return void(kept_.emplace_back(std::move(output)));
    auto& checkpoint = storage_.checkpoint ? *storage_.checkpoint : *loading_;
    if (!checkpoint.put(std::move(output.images))) progress_.hold_back();
}

void StorageShell::carry_out(core::TruncateLog& output) {
    if (log_stopped_) return;
    if (installing_) return void(kept_.emplace_back(output));
    truncating_.push_back(output.up_to);
    storage_.log->truncate(output.up_to);
}

void StorageShell::carry_out(core::ReadLog& output) {
    auto done = [this, tag = output.tag](storage::Log::Records records) {
        asio::post(io_, [this, tag, records = std::move(records)]() mutable {
            feed_.give(core::LogRead{tag, of_core(std::move(records))});
            feed_.settle();
        });
    };
    if (log_stopped_ || installing_) return done({});
    storage_.log->read(output.after, output.bytes_max, std::move(done));
}

void StorageShell::carry_out(core::SaveHardState& output) {
    if (installing_) return void(kept_.emplace_back(output));
    storage_.hard_state->update(change_to(output.state), [this] {
        asio::post(io_, [this] {
            feed_.give(core::HardStateSaved{});
            feed_.settle();
        });
    });
}

void StorageShell::flush(bool may_wait) {
    appended_ = false;
    if (const auto progress = storage_.log->flush(may_wait)) log_went_on(*progress);
}

void StorageShell::open_snapshot(OnSnapshot ready) {
    if (installing_) return asio::post(io_, [ready = std::move(ready)] { ready(nullptr); });
    storage_.checkpoint->open_snapshot([this, ready = std::move(ready)](auto source) {
        asio::post(io_, [ready, source = std::move(source)]() mutable { ready(std::move(source)); });
    });
}

// --- installing ------------------------------------------------------------------------------------------------------

void StorageShell::carry_out(core::FinishInstall& output) {
    ZABD_ASSERT(!installing_);
    installing_ = true;
    log_signal_.begin_source();  // what the old ones say does not count any more
    checkpoint_signal_.begin_source();
    storage_.installer->finish(output.zxid, [this](storage::Installed done) {
        asio::post(io_, [this, done = std::move(done)]() mutable { installed(std::move(done)); });
    });
}

void StorageShell::installed(storage::Installed installed) {
    const auto zxid = installed.zxid;
    std::swap(storage_.log, installed.log);
    std::swap(storage_.checkpoint, installed.checkpoint);
    storage_.installer->retire(std::move(installed.log), std::move(installed.checkpoint));
    installing_ = false;
    progress_ = {zxid, zxid};
    checkpoint_at_ = wall_ms();
    begin_told_ = zxid;
    zxid_discarded_ = {};
    truncating_.clear();
    truncations_told_ = 0;
    start_log_and_checkpoint();
    for (auto& output : std::exchange(kept_, {})) std::visit([this](auto& one) { carry_out(one); }, output);
    if (wants_flush()) flush(false);
    feed_.give(core::SnapshotInstalled{zxid});
    feed_.settle();
}

// --- progress --------------------------------------------------------------------------------------------------------

void StorageShell::log_went_on(const storage::LogProgress& progress) {
    progress_.take(progress);
    tell_truncations(progress.truncations);
    tell_begin(progress.zxid_begin);
    tell_progress();
}

void StorageShell::tell_truncations(std::uint64_t count) {
    while (truncations_told_ < count) {
        feed_.give(core::LogTruncated{truncating_.front()});
        truncating_.erase(truncating_.begin());
        ++truncations_told_;
    }
}

void StorageShell::tell_begin(Zxid zxid) {
    if (zxid > std::exchange(begin_told_, zxid)) feed_.give(core::LogBegins{zxid});
}

void StorageShell::checkpoint_went_on(const storage::CheckpointProgress& progress) {
    const auto before = progress_.checkpoint().zxid_durable;
    progress_.take(progress);
    if (progress.zxid_durable != before) {
        checkpoint_at_ = wall_ms();
        discard_log();
        warn_of_checkpoint();
        idle_ticks_ = 0;  // its thread has just dropped what this one made
    }
    tell_progress();
}

/// What the checkpoint has may go, but for what a learner is still to be sent (hazard Z-22).
void StorageShell::discard_log() {
    const auto zxid = std::min(progress_.checkpoint().zxid_durable, feed_.log_needed());
    if (log_stopped_ || installing_ || zxid <= zxid_discarded_) return;
    zxid_discarded_ = zxid;
    storage_.log->discard_through(zxid);
}

void StorageShell::tell_progress() {
    if (const bool full = progress_.out_of_space(); full != std::exchange(out_of_space_, full)) {
        full ? spdlog::error("disk full: writes are refused once the log has no room left room_bytes={}",
                             progress_.log().room_bytes)
             : spdlog::info("disk has space again");
    }
    if (const auto told = progress_.told()) {
        feed_.give(told->room);
        feed_.give(told->durable);
    } else {
        feed_.give(core::LogHeldBack{});
    }
    feed_.settle();
}

// --- what an operator should know ------------------------------------------------------------------------------------

void StorageShell::look() {
    constexpr int kIdleTicks = 10;
    const auto now = storage_.log->figures();
    const auto before = std::exchange(log_seen_, now);
    if (!progress_.told()) feed_.give(core::LogHeldBack{});
    discard_log();
    warn_of_slow_syncs(before, now);
    if (now.reads_failed != before.reads_failed) spdlog::error("the log could not be read: {}", now.read_error);
    // What a burst of requests left free is given back once nothing has been logged, or checkpointed, for a while.
    idle_ticks_ = now.records == before.records ? idle_ticks_ + 1 : 0;
    if (idle_ticks_ == kIdleTicks) give_back_memory();
}

void StorageShell::report_sync_time() const {
    const auto& directory = *storage_.directory;
    const auto took =
        storage::probe_sync(storage::real_file_system(), directory.log_directory(storage_.hard_state_found.generation));
    if (!took) return spdlog::warn("the disk's sync was not measured: {}", took.error().where);
    if (*took >= storage::kSyncPlausibleMin) return;
    spdlog::warn(
        "a sync took {} us: too fast for a disk that keeps what it is told. What is acknowledged may not "
        "survive a power cut",
        took->count());
}

void StorageShell::warn_of_slow_syncs(const storage::Log::Figures& before, const storage::Log::Figures& now) {
    const milliseconds running{now.sync_us_now / 1000};
    if (running >= config_.slow_sync && milliseconds{before.sync_us_now / 1000} < config_.slow_sync)
        spdlog::warn("slow disk: a sync of the log has not returned running_ms={}", running.count());
    if (now.syncs <= before.syncs) return;
    const auto average_us = (now.sync_us_sum - before.sync_us_sum) / (now.syncs - before.syncs);
    const auto slowest_us = now.sync_us_max > before.sync_us_max ? now.sync_us_max : average_us;
    const milliseconds took{slowest_us / 1000};
    if (took < config_.slow_sync) return;
    ++slow_syncs_;
    spdlog::warn("slow disk: a sync of the log took_ms={} average_ms={} syncs={} since the last look", took.count(),
                 average_us / 1000, now.syncs - before.syncs);
}

void StorageShell::warn_of_checkpoint() {
    constexpr std::uint64_t kReaderLagMax = 10;
    const auto now = storage_.checkpoint->figures();
    if (now.disk_short && !checkpoint_seen_.disk_short)
        spdlog::warn("the checkpoint's disk is nearly full size_bytes={}", now.size_bytes);
    if (now.reader_lag >= kReaderLagMax && checkpoint_seen_.reader_lag < kReaderLagMax)
        spdlog::warn("a reader keeps the checkpoint's file growing batches_behind={}", now.reader_lag);
    checkpoint_seen_ = now;
}

void StorageShell::count(ServerFigures& figures) const {
    figures.checkpoint_bytes = storage_.checkpoint->size_bytes();
    const auto log = storage_.log->figures();
    figures.log_bytes = log.size_bytes;
    figures.syncs = log.syncs;
    figures.sync_us_sum = log.sync_us_sum;
    figures.sync_us_max = log.sync_us_max;
    figures.sync_us_max_recent = log.sync_us_max_recent;
    figures.sync_us_now = log.sync_us_now;
    figures.slow_syncs = slow_syncs_;
    figures.zxid_durable = progress_.log().zxid_durable;
    figures.zxid_checkpointed = progress_.checkpoint().zxid_durable;
    figures.checkpoint_at = checkpoint_at_;
    figures.disk_full = out_of_space_;
}

// --- end -------------------------------------------------------------------------------------------------------------

void StorageShell::stop_log() {
    storage_.log->stop();
    log_stopped_ = true;
    progress_.let_go();
    log_signal_.deliver();
}

void StorageShell::stop_checkpoint() { storage_.checkpoint->stop(); }

}  // namespace zabd::server
