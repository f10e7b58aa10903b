#include "storage/checkpoint.hpp"

#include "storage/checkpoint_store.hpp"
#include "storage/pending_images.hpp"
#include "wire/assert.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace zabd::storage {

namespace {

/// Images are folded once so many bytes have come: seldom enough to leave the core alone, and before they are many.
constexpr std::uint64_t kFoldBytes = 1 << 20;

class ThreadedCheckpoint final : public Checkpoint {
public:
    ThreadedCheckpoint(const CheckpointOptions& options, std::unique_ptr<CheckpointStore> store, Zxid zxid)
        : options_(options),
          store_(std::move(store)),
          pending_(zxid),
          zxid_durable_(zxid),
          size_bytes_(store_->size_bytes()) {}
    ~ThreadedCheckpoint() override { stop(); }
    ThreadedCheckpoint(const ThreadedCheckpoint&) = delete;
    ThreadedCheckpoint& operator=(const ThreadedCheckpoint&) = delete;

    void start(std::function<void(Zxid)> on_durable) override {
        ZABD_ASSERT(!writer_.joinable());
        on_durable_ = std::move(on_durable);
        writer_ = std::thread([this] { run(); });
    }

    void put(wire::StateImages images) override {
        const std::lock_guard lock(mutex_);
        ZABD_ASSERT(!stopping_);
        queue_bytes_ += memory_bytes(images);
        queue_.push_back(std::move(images));
        if (queue_bytes_ >= kFoldBytes || queue_.size() >= options_.transactions_per_batch) wake_.notify_one();
    }

    void stop() override {
        if (!writer_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        writer_.join();
    }

    [[nodiscard]] Zxid zxid_durable() const override { return zxid_durable_; }
    [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }

private:
    void run() {
        std::vector<wire::StateImages> taken;
        for (bool stopping = false; !stopping;) {
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] {
                    return stopping_ || queue_bytes_ >= kFoldBytes || queue_.size() >= options_.transactions_per_batch;
                });
                std::swap(taken, queue_);
                queue_bytes_ = 0;
                stopping = stopping_;
            }
            for (auto& images : taken) pending_.add(std::move(images));
            taken.clear();
            const bool due = pending_.transactions() >= options_.transactions_per_batch ||
                             pending_.bytes() >= options_.bytes_per_batch;
            if (due || (stopping && !pending_.empty())) write();
        }
    }

    void write() {
        if (const auto committed = store_->commit(pending_); !committed)
            fatal("checkpoint: " + committed.error().where + ". What the disk has is unknown, so this server stops");
        pending_.clear();
        size_bytes_ = store_->size_bytes();
        zxid_durable_ = pending_.zxid();
        on_durable_(pending_.zxid());
    }

    const CheckpointOptions options_;

    // The writer's own, the core's before start().
    std::unique_ptr<CheckpointStore> store_;
    PendingImages pending_;
    std::function<void(Zxid)> on_durable_;

    std::atomic<Zxid> zxid_durable_;
    std::atomic<std::uint64_t> size_bytes_;

    std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::vector<wire::StateImages> queue_;
    std::uint64_t queue_bytes_ = 0;
    bool stopping_ = false;

    std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> Checkpoint::open(const CheckpointOptions& options, const CheckpointVisitor& visitor,
                                                     CheckpointSummary& summary) {
    auto store = CheckpointStore::open(options, visitor, summary);
    if (!store) return std::unexpected(store.error());
    return std::make_unique<ThreadedCheckpoint>(options, std::move(*store), summary.zxid);
}

}  // namespace zabd::storage
