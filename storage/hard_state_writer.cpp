#include "storage/hard_state_writer.hpp"

#include "wire/assert.hpp"

#include <utility>

namespace zabd::storage {

HardStateWriter::~HardStateWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void HardStateWriter::update(Change change, std::function<void()> saved) {
    {
        const std::lock_guard lock(mutex_);
        ZABD_ASSERT(!stopping_);
        queue_.push_back({std::move(change), std::move(saved)});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    wake_.notify_one();
}

void HardStateWriter::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        const auto updates = std::exchange(queue_, {});
        lock.unlock();
        for (const auto& update : updates) {
            auto state = file_->current();
            update.change(state);
            if (const auto saved = file_->save(state); !saved)
                fatal("hard state: " + saved.error().where + ". What the disk has is unknown, so this server stops");
            update.saved();
        }
        lock.lock();
    }
}

}  // namespace zabd::storage
