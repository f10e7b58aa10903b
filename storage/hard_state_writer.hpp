// The hard state's thread: changes are saved one after the other, in the order in which they were asked for.
//
// Contract  update() changes what the update before it left, whoever asked for it: so epochs and generation, which have
//           different owners, do not overwrite each other.
// Threads   update() from any. `saved` is called on the writer's own thread, which is started by the first update.
// Errors    a failed write or sync stops the process: what the disk then has is unknown.
#pragma once

#include "storage/hard_state.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace zabd::storage {

class HardStateWriter {
public:
    using Change = std::function<void(StoredHardState&)>;

    explicit HardStateWriter(std::unique_ptr<HardStateFile> file) : file_(std::move(file)) {}
    ~HardStateWriter();
    HardStateWriter(const HardStateWriter&) = delete;
    HardStateWriter& operator=(const HardStateWriter&) = delete;

    /// `saved` is called once the change is durable.
    void update(Change change, std::function<void()> saved);

private:
    struct Update {
        Change change;
        std::function<void()> saved;
    };
    void run();

    std::unique_ptr<HardStateFile> file_;  // the thread's own

    std::mutex mutex_;  // for all that follows
    std::condition_variable wake_;
    std::vector<Update> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace zabd::storage
