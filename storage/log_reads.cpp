#include "storage/log_reads.hpp"

#include "storage/log_segments.hpp"

#include <utility>

namespace zabd::storage {

void LogReads::ask(Read read) {
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(read));
    }
    wake_.notify_one();
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void LogReads::truncated(std::uint64_t truncations) {
    {
        const std::lock_guard lock(mutex_);
        truncations_ = truncations;
    }
    wake_.notify_one();
}

void LogReads::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

LogReads::Failures LogReads::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

void LogReads::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || due(); });
        if (stopping_) return;
        const auto read = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        auto records = segments_.read(read.after, read.bytes_max);
        if (!records) {
            const std::lock_guard relock(mutex_);
            ++failures_.count;
            failures_.last = records.error().where;
        }
        read.done(records ? std::move(*records) : Log::Records());
        lock.lock();
    }
}

}  // namespace zabd::storage
