// Reads a snapshot for a link, ahead of what the link takes.
//
// Threads   a thread of its own reads; pull() and the destructor on the io thread.
// Bounds    so much is read ahead as kChunks chunks of about kChunkBytes.
#pragma once

#include "net/peer_links.hpp"
#include "storage/checkpoint.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace zabd::server {

class SnapshotReader {
public:
    static constexpr std::size_t kChunkBytes = 256 << 10;
    static constexpr std::size_t kChunks = 4;

    /// `more` is called on the reading thread when there is something to pull that there was not.
    SnapshotReader(std::unique_ptr<storage::SnapshotSource> source, std::function<void()> more);
    /// Waits for a chunk that is being read.
    ~SnapshotReader();
    SnapshotReader(const SnapshotReader&) = delete;
    SnapshotReader& operator=(const SnapshotReader&) = delete;

    net::StreamPull pull(std::string& chunk);

private:
    void run();
    /// Tells how the source ended, if `last`.
    void add(std::string chunk, bool last, net::StreamPull end);

    std::unique_ptr<storage::SnapshotSource> source_;  // the thread's own
    std::function<void()> more_;

    std::mutex mutex_;  // for all that follows
    std::condition_variable room_;
    std::deque<std::string> chunks_;
    net::StreamPull behind_ = net::StreamPull::kLater;  // when there is no chunk
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace zabd::server
