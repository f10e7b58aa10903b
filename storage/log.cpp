#include "storage/log.hpp"

#include "storage/log_reads.hpp"
#include "storage/log_segments.hpp"
#include "storage/log_writer.hpp"
#include "wire/assert.hpp"
#include "wire/recent_max.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::storage {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

template <class T>
T or_stop(Result<T> result) {
    if (!result) fatal("log: " + result.error().where + ". What the disk has is unknown, so this server stops");
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Instant now() { return Instant{std::chrono::duration_cast<Instant::duration>(steady_clock::now().time_since_epoch())}; }

/// A disk this fast is waited for; a slower one, and one that hangs, must not keep the core from its other work.
constexpr std::uint64_t kSyncHereUsMax = 1000;

std::uint64_t microseconds_since(steady_clock::time_point start) {
    const auto took = std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
    return static_cast<std::uint64_t>(std::max(took, microseconds{1}).count());
}

struct Truncation {
    Zxid up_to;
};
using Task = std::variant<LogRecord, Truncation>;

class ThreadedLog final : public Log {
public:
    ThreadedLog(std::unique_ptr<LogSegments> segments, FileSystem& files)
        : writer_(std::move(segments)),
          files_(files),
          reads_(writer_.segments()),
          zxid_appended_(writer_.segments().zxid_last()) {
        figures_.size_bytes = writer_.segments().size_bytes();
    }
    ~ThreadedLog() override { stop(); }
    ThreadedLog(const ThreadedLog&) = delete;
    ThreadedLog& operator=(const ThreadedLog&) = delete;

    void start(std::function<void(const LogProgress&)> on_progress) override {
        ZABD_ASSERT(!thread_.joinable());
        on_progress_ = std::move(on_progress);
        told_ = writer_.progress();
        thread_ = std::thread([this] { run(); });
    }

    void append(Zxid zxid, Bytes txn) override {
        ZABD_ASSERT(follows(zxid_appended_, zxid));
        zxid_appended_ = zxid;
        collected_.emplace_back(LogRecord{zxid, std::move(txn)});
    }

    void truncate(Zxid up_to) override {
        ZABD_ASSERT(up_to <= zxid_appended_);
        zxid_appended_ = up_to;
        ++truncations_asked_;
        collected_.emplace_back(Truncation{up_to});
        (void)flush(false);
    }

    void read(Zxid after, std::size_t bytes_max, std::function<void(Records)> done) override {
        ZABD_ASSERT(thread_.joinable());
        reads_.ask({.after = after,
                    .bytes_max = bytes_max,
                    .truncations_before = truncations_asked_,
                    .done = std::move(done)});
    }

    std::optional<LogProgress> flush(bool alone) override {
        if (collected_.empty()) return std::nullopt;
        const bool lone = alone && collected_.size() == 1;
        std::optional<LogProgress> progress;
        hand_over([&] {
            ZABD_ASSERT(!stopping_);
            queue_.insert(queue_.end(), std::make_move_iterator(collected_.begin()),
                          std::make_move_iterator(collected_.end()));
            if (lone && thread_waits_ && writer_.empty() && last_sync_us_ <= kSyncHereUsMax) progress = write_here();
            return !progress || writer_.segments().wants_next();
        });
        collected_.clear();
        return progress;
    }

    void discard_through(Zxid zxid) override {
        hand_over([&] {
            released_ = zxid;
            return true;
        });
    }

    void stop() override {
        if (!thread_.joinable()) return;
        reads_.stop();
        (void)flush(false);
        hand_over([&] { return stopping_ = true; });
        thread_.join();
    }

    [[nodiscard]] Figures figures() const override {
        const auto failures = reads_.failures();
        const std::lock_guard lock(mutex_);
        auto figures = figures_;
        figures.reads_failed = failures.count;
        figures.read_error = failures.last;
        if (sync_began_) figures.sync_us_now = microseconds_since(*sync_began_);
        figures.sync_us_max_recent = sync_us_max_recent_.at(steady_clock::now());
        return figures;
    }

private:
    /// `change`, under the lock, says whether the thread has to know.
    template <class Change>
    void hand_over(const Change& change) {
        const std::lock_guard lock(mutex_);
        if (change() && std::exchange(thread_waits_, false)) wake_.notify_one();
    }

    /// While the thread waits and we hold the lock, its writer is ours.
    std::optional<LogProgress> write_here() {
        take_queue();
        if (!writer_.has_batch()) return std::nullopt;
        count_start(writer_.next_batch(), steady_clock::now());
        or_stop(writer_.write_batch());
        count_end();
        return told_ = writer_.progress();
    }

    void run() {
        while (take()) {
            keep_house();
            if (!writer_.has_batch()) continue;
            write();
            keep_house();  // what is left may have no room
        }
        while (writer_.has_batch() || (!writer_.empty() && (errand_.valid() || !writer_.retry_at()))) {
            keep_house();
            writer_.has_batch() ? write() : finish_errand();
        }
        finish_errand();
        or_stop(writer_.write_end());  // so that the next start knows the last batch to have been durable
    }

    /// Waits for something to do and takes what the core has handed over; false: it is time to stop.
    bool take() {
        std::unique_lock lock(mutex_);
        if (!writer_.has_batch()) await_work(lock);
        take_queue();
        if (const auto zxid = std::exchange(released_, std::nullopt)) writer_.release_through(*zxid);
        return !stopping_;
    }

    void take_queue() {
        for (auto& task : queue_) {
            if (auto* record = std::get_if<LogRecord>(&task)) writer_.add(std::move(*record));
            if (const auto* truncation = std::get_if<Truncation>(&task)) writer_.truncate(truncation->up_to);
        }
        queue_.clear();
    }

    void await_work(std::unique_lock<std::mutex>& lock) {
        thread_waits_ = queue_.empty() && !released_ && !stopping_ && !errand_done_;
        const auto something = [this] { return !thread_waits_; };
        if (const auto retry_at = writer_.retry_at(); retry_at && !errand_.valid()) {
            wake_.wait_for(lock, *retry_at - now(), something);
        } else {
            wake_.wait(lock, something);
        }
        thread_waits_ = false;
    }

    void write() {
        {
            const std::lock_guard lock(mutex_);
            count_start(writer_.next_batch(), steady_clock::now());
        }
        or_stop(writer_.write_batch());
        {
            const std::lock_guard lock(mutex_);
            count_end();
        }
        tell();
    }

    // Both under the lock.
    void count_start(std::span<const LogRecord> batch, steady_clock::time_point start) {
        figures_.records += batch.size();
        for (const auto& record : batch) figures_.bytes += record.txn.size();
        sync_began_ = start;
    }

    void count_end() {
        last_sync_us_ = microseconds_since(*sync_began_);
        ++figures_.syncs;
        figures_.sync_us_max = std::max(figures_.sync_us_max, last_sync_us_);
        sync_us_max_recent_.add(steady_clock::now(), last_sync_us_);
        figures_.sync_us_sum += last_sync_us_;
        figures_.size_bytes = writer_.segments().size_bytes();
        sync_began_.reset();
    }

    void tell() {
        const auto progress = writer_.progress();
        if (progress.truncations != told_.truncations) reads_.truncated(progress.truncations);
        if (progress != std::exchange(told_, progress)) on_progress_(progress);
    }

    /// Building and removing files takes long, so it happens beside the writing.
    void keep_house() {
        {
            const std::lock_guard lock(mutex_);
            if (errand_.valid() && !errand_done_) return;
        }
        finish_errand();
        auto errand = writer_.next_errand(now());
        tell();  // it may have let go of segments
        if (!errand) return;
        errand_ = std::async(std::launch::async, [this, errand = std::move(*errand)] {
            auto done = or_stop(run_errand(files_, errand));
            hand_over([&] { return errand_done_ = true; });
            return done;
        });
    }

    void finish_errand() {
        if (!errand_.valid()) return;
        writer_.finish_errand(errand_.get(), now());
        {
            const std::lock_guard lock(mutex_);
            errand_done_ = false;
            figures_.size_bytes = writer_.segments().size_bytes();
        }
        tell();
    }

    // The thread's own, the core's before start().
    LogWriter writer_;
    FileSystem& files_;
    LogReads reads_;
    std::function<void(const LogProgress&)> on_progress_;
    LogProgress told_;
    std::future<LogErrandDone> errand_;

    // The core's own.
    Zxid zxid_appended_;
    std::vector<Task> collected_;
    std::uint64_t truncations_asked_ = 0;

    mutable std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::vector<Task> queue_;
    std::optional<Zxid> released_;  // by the core, not yet seen by the thread
    bool errand_done_ = false;
    bool thread_waits_ = false;
    bool stopping_ = false;
    Figures figures_;
    std::optional<steady_clock::time_point> sync_began_;
    RecentMax<steady_clock::time_point> sync_us_max_recent_;
    std::uint64_t last_sync_us_ = kSyncHereUsMax + 1;  // until the first is known

    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options, Zxid after,
                                       const std::function<void(LogRecord)>& visit, LogScan& scan) {
    auto segments = LogSegments::open(options, after, visit, scan);
    if (!segments) return std::unexpected(segments.error());
    return std::make_unique<ThreadedLog>(std::move(*segments), options.files ? *options.files : real_file_system());
}

Result<std::unique_ptr<Log>> Log::create(const LogOptions& options, Zxid zxid) {
    auto segments = LogSegments::create(options, zxid);
    if (!segments) return std::unexpected(segments.error());
    return std::make_unique<ThreadedLog>(std::move(*segments), options.files ? *options.files : real_file_system());
}

}  // namespace zabd::storage
