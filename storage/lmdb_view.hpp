// The state of one batch of the checkpoint, pinned, while later ones are written.
//
// How       LMDB moves the map of an environment when it grows, and readers with it; and it may be opened once in a process.
//           So a view reads from a second, lockless opening of the file, whose map stays where it is, while a read
//           transaction of the first one keeps LMDB from using the pages again.
// Threads   open() and end_if_idle() from the checkpoint's; the rest from one at a time, but any.
// Errors    Errc::kIo also when LMDB knows no more readers.
#pragma once

#include "storage/lmdb_environment.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <memory>
#include <mutex>

namespace zabd::storage {

class LmdbView {
public:
    /// Of the newest state. While no transaction writes.
    static Result<std::shared_ptr<LmdbView>> open(std::shared_ptr<LmdbEnvironment> environment, Instant now);

    /// While this is held the view does not end. Empty: it has.
    [[nodiscard]] std::unique_lock<std::mutex> use();
    /// Before use() is given back: there was progress.
    void went_on(Instant now) { last_use_ = now; }
    void end_if_idle(Instant now);

    [[nodiscard]] const LmdbEnvironment& environment() const { return *view_; }
    [[nodiscard]] MDB_txn* transaction() const { return transaction_.get(); }

private:
    LmdbView() = default;

    std::shared_ptr<LmdbEnvironment> environment_;
    std::unique_ptr<LmdbEnvironment> view_;
    LmdbTransaction transaction_;  // of view_

    std::mutex mutex_;     // for all that follows
    LmdbTransaction pin_;  // of environment_; nullptr: the view has ended
    Instant last_use_{};
};

}  // namespace zabd::storage
