#include "storage/checkpoint.hpp"

#include "storage/lmdb_store.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace zabd::storage {

namespace {

using std::chrono::steady_clock;

/// Images are folded once so many bytes have come, or so much time has passed: seldom enough to leave the core alone.
constexpr std::uint64_t kFoldBytes = 1 << 20;
constexpr Millis kFoldInterval{250};
constexpr double kPausePerWork = 4;  // of a batch, when nothing has come yet for the next one

Instant now() { return Instant{std::chrono::duration_cast<Instant::duration>(steady_clock::now().time_since_epoch())}; }

class ThreadedCheckpoint final : public Checkpoint {
public:
    using Ready = std::function<void(std::unique_ptr<SnapshotSource>)>;

    ThreadedCheckpoint(const CheckpointOptions& options, std::unique_ptr<LmdbStore> store, Zxid zxid)
        : triggers_(options.triggers),
          directory_(options.directory),
          store_(std::move(store)),
          writer_(triggers_, *store_, zxid) {
        store_->set_pause([this] { give_way(); });
        note_figures();
    }
    ~ThreadedCheckpoint() override { stop(); }
    ThreadedCheckpoint(const ThreadedCheckpoint&) = delete;
    ThreadedCheckpoint& operator=(const ThreadedCheckpoint&) = delete;

    void start(std::function<void(const CheckpointProgress&)> on_progress) override {
        ZABD_ASSERT(!thread_.joinable());
        on_progress_ = std::move(on_progress);
        told_ = writer_.progress();
        thread_ = std::thread([this] { run(); });
    }

    bool put(wire::StateImages images) override {
        if (!thread_.joinable()) {
            writer_.take(std::move(images), now());
            return true;
        }
        const std::lock_guard lock(mutex_);
        ZABD_ASSERT(!stopping_);
        queue_bytes_ += memory_bytes(images);
        queue_.push_back(std::move(images));
        if (std::exchange(asleep_, false) || queue_bytes_ >= kFoldBytes) wake_.notify_one();
        // The thread may be in the midst of a call that takes long, and fold nothing meanwhile.
        overfull_ = overfull_ || queue_bytes_ + figures_.pending_bytes > triggers_.bytes_max;
        return !overfull_;
    }

    void open_snapshot(Ready ready) override {
        {
            const std::lock_guard lock(mutex_);
            ZABD_ASSERT(thread_.joinable() && !stopping_);
            asked_.push_back(std::move(ready));
            asleep_ = false;
        }
        wake_.notify_one();
    }

    void stop() override {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    [[nodiscard]] CheckpointFigures figures() const override {
        const std::lock_guard lock(mutex_);
        auto figures = figures_;
        figures.pending_bytes += queue_bytes_;
        return figures;
    }

private:
    void run() {
        while (wait_and_take()) {
            const auto due = writer_.due();
            if (due && *due <= now()) write();
            open_snapshots();
            if (wanted_.empty() || !writer_.due()) continue;
            write();  // there is no batch to show yet, and somebody waits for one
            open_snapshots();
        }
        do {
            write();
        } while (writer_.due() && !writer_.progress().out_of_space);
        std::ranges::move(std::exchange(asked_, {}), std::back_inserter(wanted_));
        for (const auto& ready : wanted_) ready(nullptr);
    }

    /// Between batches. What is asked for before the first one waits.
    void open_snapshots() {
        while (!wanted_.empty()) {
            auto source = store_->open_snapshot(now());
            if (source && !*source) return;
            const auto ready = std::move(wanted_.front());
            wanted_.pop_front();
            ready(source ? std::move(*source) : nullptr);
        }
    }

    /// Until there is something to do; false: it is time to stop.
    bool wait_and_take() {
        std::unique_lock lock(mutex_);
        const auto due = writer_.due();
        if (!due && queue_.empty() && asked_.empty()) {
            asleep_ = true;
            wake_.wait(lock, [this] { return !asleep_ || stopping_; });
        }
        const auto enough = [this] { return queue_bytes_ >= kFoldBytes || stopping_ || !asked_.empty(); };
        wake_.wait_for(lock, due ? std::min(kFoldInterval, *due - now()) : kFoldInterval, enough);
        return take(lock);
    }

    bool take(std::unique_lock<std::mutex>& lock) {
        auto taken = std::exchange(queue_, {});
        std::ranges::move(std::exchange(asked_, {}), std::back_inserter(wanted_));
        queue_bytes_ = 0;
        const bool going_on = !stopping_;
        const bool overfull = std::exchange(overfull_, false);
        lock.unlock();
        for (auto& images : taken) writer_.take(std::move(images), now());
        if (overfull) on_progress_(told_ = writer_.progress());
        tell();
        note_figures();
        return going_on;
    }

    void write() {
        slice_began_ = steady_clock::now();
        store_->end_idle_snapshots(now());
        const auto before = writer_.progress().zxid_durable;
        if (const auto written = writer_.write(now()); !written) stop_server(written.error());
        tell();
        note_figures();
        if (writer_.progress().zxid_durable != before) note_batch();
    }

    void note_batch() {
        const auto reader_lag = store_->oldest_reader_lag();
        if (!reader_lag) stop_server(reader_lag.error());
        std::error_code unknown;
        const auto space = std::filesystem::space(directory_, unknown);
        const std::lock_guard lock(mutex_);
        figures_.reader_lag = reader_lag->value_or(0);
        figures_.disk_short = !unknown && space.available < store_->growth_bytes();
    }

    [[noreturn]] static void stop_server(const Error& error) {
        fatal("checkpoint: " + error.where + ". What the disk has is unknown, so this server stops");
    }

    /// Between slices of a batch. The nearer the next one is to being due, the shorter: at that point not at all; nor while
    /// somebody waits for the batch to end.
    void give_way() {
        const auto lag = static_cast<double>(writer_.bytes_next()) / static_cast<double>(triggers_.bytes);
        const std::chrono::duration<double> worked = steady_clock::now() - slice_began_;
        std::unique_lock lock(mutex_);
        if (lag < 1 && !writer_.progress().behind && wanted_.empty())
            wake_.wait_for(lock, worked * (kPausePerWork * (1 - lag)), [this] { return stopping_ || !asked_.empty(); });
        take(lock);
        slice_began_ = steady_clock::now();
    }

    void tell() {
        const auto progress = writer_.progress();
        if (progress != std::exchange(told_, progress)) on_progress_(progress);
    }

    void note_figures() {
        const std::lock_guard lock(mutex_);
        figures_.size_bytes = store_->size_bytes();
        figures_.pending_bytes = writer_.bytes();
    }

    // The thread's own, the core's before start().
    const CheckpointTriggers triggers_;
    const std::filesystem::path directory_;
    std::unique_ptr<LmdbStore> store_;
    CheckpointWriter writer_;
    std::function<void(const CheckpointProgress&)> on_progress_;
    CheckpointProgress told_;
    std::deque<Ready> wanted_;  // snapshots
    steady_clock::time_point slice_began_;

    mutable std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::vector<wire::StateImages> queue_;
    std::uint64_t queue_bytes_ = 0;
    std::vector<Ready> asked_;  // snapshots, not yet seen by the thread
    bool overfull_ = false;     // put() has said so; on_progress will say otherwise
    bool asleep_ = false;
    bool stopping_ = false;
    CheckpointFigures figures_;

    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> Checkpoint::open(const CheckpointOptions& options, const CheckpointVisitor& visitor,
                                                     CheckpointSummary& summary) {
    const LmdbStoreOptions store_options{.directory = options.directory, .identity = options.identity};
    auto store = LmdbStore::open(store_options, visitor, summary);
    if (!store) return std::unexpected(store.error());
    return over(options, std::move(*store), summary.zxid);
}

std::unique_ptr<Checkpoint> Checkpoint::over(const CheckpointOptions& options, std::unique_ptr<LmdbStore> store,
                                             Zxid zxid) {
    return std::make_unique<ThreadedCheckpoint>(options, std::move(store), zxid);
}

}  // namespace zabd::storage
