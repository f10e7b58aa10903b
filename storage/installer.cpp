#include "storage/installer.hpp"

#include "storage/lmdb_store.hpp"
#include "storage/pending_images.hpp"
#include "wire/assert.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace zabd::storage {

namespace {

constexpr std::chrono::seconds kRetrySpace{1};

[[noreturn]] void stop_server(const Error& error) {
    fatal("install: " + error.where + ". What the disk has is unknown, so this server stops");
}

template <class T>
T or_stop(Result<T> result) {
    if (!result) stop_server(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

class Installer::Worker {
public:
    Worker(const DataDir& directory, HardStateWriter& hard_state, const InstallerOptions& options)
        : directory_(directory), hard_state_(hard_state), options_(options) {}
    ~Worker() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    using Task = std::move_only_function<void()>;
    void ask(Task task) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(task));
        }
        wake_.notify_one();
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    void give_up() {
        {
            const std::lock_guard lock(mutex_);
            ++drops_;
        }
        ask([this] {
            drop();
            const std::lock_guard lock(mutex_);
            --drops_;
        });
    }

    // All on the thread.
    void begin() {
        drop();
        or_stop(directory_.make_generation(next()));
        CheckpointSummary nothing;
        auto store = waiting_for_space([&] {
            return LmdbStore::open(
                {.directory = directory_.checkpoint_directory(next()), .identity = directory_.identity(next())}, {},
                nothing);
        });
        if (!store) return;
        store_ = std::move(**store);
        pending_.emplace(Zxid{});
    }

    void take(wire::StateImages images) {
        if (!store_) return;  // given up for want of space
        zxid_ = images.zxid;
        pending_->add(std::move(images));
        if (pending_->bytes() >= kBatchBytes) commit();
    }

    void finish(Zxid zxid, const std::function<void(Installed)>& done) {
        if (store_ && !pending_->empty()) commit();
        if (!store_) return;
        ZABD_ASSERT(zxid == zxid_);
        auto log = waiting_for_space([&] { return Log::create(log_options(), zxid); });
        if (!log) return;
        switch_over();
        Installed installed{.zxid = zxid,
                            .checkpoint = Checkpoint::over(checkpoint_options(), std::move(store_), zxid),
                            .log = std::move(**log)};
        pending_.reset();
        done(std::move(installed));
    }

    void drop() {
        store_.reset();
        pending_.reset();
        or_stop(directory_.remove_other_generations(generation_));
    }

    void retire(std::unique_ptr<Log> log, std::unique_ptr<Checkpoint> checkpoint) {
        ZABD_ASSERT(!store_);
        log->stop();
        checkpoint->stop();
        log.reset();
        checkpoint.reset();
        or_stop(directory_.remove_other_generations(generation_));
    }

private:
    [[nodiscard]] DataDir::Generation next() const { return generation_ + 1; }

    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (stopping_) return;
            auto task = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            task();
            lock.lock();
        }
    }

    void commit() {
        auto written = pending_->split();
        const auto batch = written.batch();
        if (!waiting_for_space([&] { return store_->commit(batch); })) store_.reset();
    }

    /// nullopt: nobody waits for it any more.
    template <class Work>
    auto waiting_for_space(const Work& work) -> std::optional<std::invoke_result_t<Work>> {
        for (;;) {
            auto done = work();
            if (done) return done;
            if (done.error().code != Errc::kNoSpace) stop_server(done.error());
            std::unique_lock lock(mutex_);
            if (wake_.wait_for(lock, kRetrySpace, [this] { return stopping_ || drops_ != 0; })) return std::nullopt;
        }
    }

    /// From here on a start finds the new ones.
    void switch_over() {
        std::promise<void> saved;
        hard_state_.update([this](StoredHardState& state) { state.generation = next(); }, [&] { saved.set_value(); });
        saved.get_future().wait();
        generation_ = next();
    }

    [[nodiscard]] LogOptions log_options() const {
        return {.directory = directory_.log_directory(next()),
                .segment_bytes = options_.segment_bytes,
                .identity = directory_.identity(next()),
                .retain_bytes = options_.retain_bytes};
    }

    [[nodiscard]] CheckpointOptions checkpoint_options() const {
        return {.directory = directory_.checkpoint_directory(generation_),
                .identity = directory_.identity(generation_),
                .triggers = options_.checkpoint};
    }

    const DataDir& directory_;
    HardStateWriter& hard_state_;

    const InstallerOptions options_;

    // The thread's own.
    DataDir::Generation generation_ = options_.generation;  // of what is in use
    std::unique_ptr<LmdbStore> store_;                      // nullptr: nothing has been put, or it was given up
    std::optional<PendingImages> pending_;
    Zxid zxid_;

    std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::deque<Task> queue_;
    std::uint64_t drops_ = 0;  // asked for, not yet carried out
    bool stopping_ = false;
    std::thread thread_;
};

Installer::Installer(const DataDir& directory, HardStateWriter& hard_state, const InstallerOptions& options)
    : worker_(std::make_unique<Worker>(directory, hard_state, options)) {}
Installer::~Installer() = default;

void Installer::put(wire::StateImages images, bool begins) {
    worker_->ask([worker = worker_.get(), images = std::move(images), begins]() mutable {
        if (begins) worker->begin();
        worker->take(std::move(images));
    });
}

void Installer::finish(Zxid zxid, std::function<void(Installed)> done) {
    worker_->ask([worker = worker_.get(), zxid, done = std::move(done)] { worker->finish(zxid, done); });
}

void Installer::drop() { worker_->give_up(); }

void Installer::retire(std::unique_ptr<Log> log, std::unique_ptr<Checkpoint> checkpoint) {
    worker_->ask([worker = worker_.get(), log = std::move(log), checkpoint = std::move(checkpoint)]() mutable {
        worker->retire(std::move(log), std::move(checkpoint));
    });
}

}  // namespace zabd::storage
