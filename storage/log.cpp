#include "storage/log.hpp"

#include "storage/log_segments.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
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

/// The first records of `records` that go into one batch.
std::span<const LogRecord> next_batch(std::span<const LogRecord> records) {
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < records.size() && bytes < kBatchBytesMax; ++count)
        bytes += kRecordHeaderBytes + records[count].txn.size();
    return records.first(count);
}

class ThreadedLog final : public Log {
public:
    ThreadedLog(std::unique_ptr<LogSegments> segments, FileSystem& files)
        : segments_(std::move(segments)), files_(files), zxid_appended_(segments_->zxid_last()) {
        figures_.size_bytes = segments_->size_bytes();
    }
    ~ThreadedLog() override { stop(); }
    ThreadedLog(const ThreadedLog&) = delete;
    ThreadedLog& operator=(const ThreadedLog&) = delete;

    void start(std::function<void(Zxid)> on_durable) override {
        ZABD_ASSERT(!writer_.joinable());
        on_durable_ = std::move(on_durable);
        writer_ = std::thread([this] { run(); });
    }

    void append(Zxid zxid, Bytes txn) override {
        ZABD_ASSERT(follows(zxid_appended_, zxid));
        zxid_appended_ = zxid;
        hand_over([&] { queue_.push_back({zxid, std::move(txn)}); });
    }

    void discard_through(Zxid zxid) override {
        hand_over([&] { released_ = zxid; });
    }

    void stop() override {
        if (!writer_.joinable()) return;
        hand_over([&] { stopping_ = true; });
        writer_.join();
    }

    [[nodiscard]] Figures figures() const override {
        const std::lock_guard lock(mutex_);
        return figures_;
    }

private:
    template <class Change>
    void hand_over(const Change& change) {
        const std::lock_guard lock(mutex_);
        change();
        if (std::exchange(writer_waits_, false)) wake_.notify_one();
    }

    void run() {
        std::vector<LogRecord> records;
        for (bool stopping = false; !stopping;) {
            {
                std::unique_lock lock(mutex_);
                writer_waits_ = queue_.empty() && !released_ && !stopping_;
                wake_.wait(lock, [this] { return !writer_waits_; });
                records.clear();
                std::swap(records, queue_);
                if (const auto released = std::exchange(released_, std::nullopt)) to_release_ = released;
                stopping = stopping_;
            }
            write(records);
            keep_house();
        }
        if (errand_.valid()) finish_errand();
        or_stop(segments_->append({}));  // so that the next start knows the last batch to have been durable
    }

    void write(std::span<const LogRecord> records) {
        while (!records.empty()) {
            const auto batch = next_batch(records);
            if (errand_.valid() && segments_->rolls_for(batch)) finish_errand();
            const auto start = steady_clock::now();
            or_stop(segments_->append(batch));
            count(batch, steady_clock::now() - start);
            on_durable_(batch.back().zxid);
            records = records.subspan(batch.size());
        }
    }

    void count(std::span<const LogRecord> batch, steady_clock::duration took) {
        const auto took_us = static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(took).count());
        const std::lock_guard lock(mutex_);
        ++figures_.syncs;
        figures_.records += batch.size();
        for (const auto& record : batch) figures_.bytes += record.txn.size();
        figures_.sync_us_max = std::max(figures_.sync_us_max, took_us);
        figures_.sync_us_sum += took_us;
        figures_.size_bytes = segments_->size_bytes();
    }

    /// Building and removing files takes long, so it happens beside the writing, one errand at a time.
    void keep_house() {
        if (errand_.valid() && errand_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) finish_errand();
        if (errand_.valid()) return;
        std::vector<std::filesystem::path> dropped;
        if (const auto zxid = std::exchange(to_release_, std::nullopt)) dropped = segments_->release_through(*zxid);
        std::optional<SegmentPlan> plan;
        if (segments_->wants_next()) plan = segments_->next_plan();
        if (dropped.empty() && !plan) return;
        errand_ = std::async(std::launch::async, [this, dropped = std::move(dropped), plan] {
            or_stop(drop_segments(files_, dropped));
            return plan ? std::optional(or_stop(build_segment(files_, *plan))) : std::nullopt;
        });
    }

    void finish_errand() {
        if (auto built = errand_.get()) segments_->adopt(std::move(*built));
    }

    // The writer's own, the core's before start().
    std::unique_ptr<LogSegments> segments_;
    FileSystem& files_;
    std::function<void(Zxid)> on_durable_;
    std::future<std::optional<Segment>> errand_;
    std::optional<Zxid> to_release_;  // waits for the errand before it

    Zxid zxid_appended_;  // the core's own

    mutable std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::vector<LogRecord> queue_;
    std::optional<Zxid> released_;  // by the core, not yet seen by the writer
    bool writer_waits_ = false;
    bool stopping_ = false;
    Figures figures_;

    std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options, Zxid after,
                                       const std::function<void(LogRecord)>& visit, LogScan& scan) {
    auto segments = LogSegments::open(options, after, visit, scan);
    if (!segments) return std::unexpected(segments.error());
    return std::make_unique<ThreadedLog>(std::move(*segments), options.files ? *options.files : real_file_system());
}

}  // namespace zabd::storage
