// How far another thread has come, told on the io thread: many become one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <mutex>
#include <utility>

namespace zabd::server {

template <class Progress>
class ProgressSignal {
public:
    ProgressSignal(boost::asio::io_context& io, std::function<void(const Progress&)> on_progress)
        : io_(io), on_progress_(std::move(on_progress)) {}

    /// What is told from here on comes from another source; what the one before it says is not heard any more. The
    /// result is what the source is to tell, on its own thread.
    std::function<void(const Progress&)> begin_source() {
        const std::lock_guard lock(mutex_);
        ++source_;
        news_ = false;
        return [this, source = source_](const Progress& progress) { tell(source, progress); };
    }
    /// On the io thread.
    void deliver() {
        std::unique_lock lock(mutex_);
        posted_ = false;
        if (!std::exchange(news_, false)) return;
        const auto progress = newest_;
        lock.unlock();
        on_progress_(progress);
    }

private:
    void tell(int source, const Progress& progress) {
        const std::lock_guard lock(mutex_);
        if (source != source_) return;
        newest_ = progress;
        news_ = true;
        if (!std::exchange(posted_, true)) boost::asio::post(io_, [this] { deliver(); });
    }

    boost::asio::io_context& io_;
    std::function<void(const Progress&)> on_progress_;
    std::mutex mutex_;
    Progress newest_;
    int source_ = 0;
    bool news_ = false;
    bool posted_ = false;
};

}  // namespace zabd::server
