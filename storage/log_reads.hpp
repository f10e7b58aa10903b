// The thread that reads the log for those who lag: one read after the other, beside the writing.
//
// Order     a read waits until the truncations that were asked for before it have been carried out.
// Threads   ask() and stop() from one thread; truncated() and failures() from any. Answers come on a thread of its own,
//           which is started by the first read.
// Errors    a read that fails is answered with nothing, and counted.
#pragma once

#include "storage/log.hpp"
#include "wire/ids.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace zabd::storage {

class LogSegments;

class LogReads {
public:
    /// `segments` outlives it, or stop().
    explicit LogReads(const LogSegments& segments) : segments_(segments) {}
    ~LogReads() { stop(); }
    LogReads(const LogReads&) = delete;
    LogReads& operator=(const LogReads&) = delete;

    struct Read {
        Zxid after;
        std::size_t bytes_max = 0;
        std::uint64_t truncations_before = 0;
        std::function<void(Log::Records)> done;
    };
    void ask(Read read);
    /// So many have been carried out.
    void truncated(std::uint64_t truncations);
    /// What was not begun is not answered.
    void stop();

    struct Failures {
        std::uint64_t count = 0;
        std::string last;
    };
    [[nodiscard]] Failures failures() const;

private:
    void run();
    [[nodiscard]] bool due() const { return !queue_.empty() && queue_.front().truncations_before <= truncations_; }

    const LogSegments& segments_;

    mutable std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::deque<Read> queue_;
    std::uint64_t truncations_ = 0;
    bool stopping_ = false;
    Failures failures_;

    std::thread thread_;
};

}  // namespace zabd::storage
