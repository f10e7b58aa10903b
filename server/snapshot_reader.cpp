#include "server/snapshot_reader.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace zabd::server {

using net::StreamPull;

SnapshotReader::SnapshotReader(std::unique_ptr<storage::SnapshotSource> source, std::function<void()> more)
    : source_(std::move(source)), more_(std::move(more)), thread_([this] { run(); }) {}

SnapshotReader::~SnapshotReader() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    room_.notify_one();
    thread_.join();
}

StreamPull SnapshotReader::pull(std::string& chunk) {
    {
        const std::lock_guard lock(mutex_);
        if (chunks_.empty()) return behind_;
        chunk = std::move(chunks_.front());
        chunks_.pop_front();
    }
    room_.notify_one();
    return StreamPull::kChunk;
}

void SnapshotReader::run() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            room_.wait(lock, [this] { return stopping_ || chunks_.size() < kChunks; });
            if (stopping_) return;
        }
        std::string chunk;
        const auto more = source_->next(chunk, kChunkBytes);
        if (!more) spdlog::error("a snapshot for a member could not be read: {}", more.error().where);
        add(std::move(chunk), !more || !*more, more ? StreamPull::kEnd : StreamPull::kBroken);
        if (!more || !*more) return source_.reset();
    }
}

void SnapshotReader::add(std::string chunk, bool last, StreamPull end) {
    {
        const std::lock_guard lock(mutex_);
        if (!chunk.empty() && end == StreamPull::kEnd) chunks_.push_back(std::move(chunk));
        if (last) behind_ = end;
    }
    more_();
}

}  // namespace zabd::server
