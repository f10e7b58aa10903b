// What the checkpoint's thread does, without the thread: folds after-images, says when a batch is due, and writes it.
// The simulator runs it over a twin of the store.
//
// Contract  a batch holds everything up to one zxid. What is taken while the disk has no room is kept.
// Threads   one at a time. Time is told. The store may call take() from within commit(), to pass the time that it takes.
// Errors    by value: after one the process has to stop, because nobody can know what the disk has. A full disk is
//           none: it shows in progress(), nothing was changed, and due() comes again.
// Bounds    of what waits: CheckpointTriggers::bytes_max, beyond which progress().behind asks the caller to hold back.
#pragma once

#include "storage/pending_images.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <cstdint>
#include <optional>

namespace zabd::storage {

/// Where batches go: LMDB (lmdb_store.hpp), or the simulator's twin of it.
class CheckpointStore {
public:
    virtual ~CheckpointStore() = default;

    /// Once it returns the batch is durable, all of it. Errc::kNoSpace: nothing of it counts; the same batch may be tried
    /// again, and must be if commit() is called again at all.
    virtual Result<void> commit(const CheckpointBatch& batch) = 0;
    [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;  // on disk
};

/// A batch is due when any of these is reached. The larger a batch, the less each change costs: a page is written once
/// for all that changed on it.
struct CheckpointTriggers {
    std::uint64_t transactions = 0;       // 0: no bound
    std::uint64_t log_bytes = 512 << 20;  // of the log behind the checkpoint: what a restart has to read
    std::uint64_t bytes = 128 << 20;      // of pending images, about
    Millis age{60'000};                   // of the oldest pending image
    Millis quiet{2'000};                  // since the newest: an idle server soon has all of it in the checkpoint
    std::uint64_t bytes_max = 320 << 20;  // of pending images; more is waiting than should
    Millis retry{1000};                   // after the disk was full
};

struct CheckpointProgress {
    Zxid zxid_durable;          // the checkpoint on disk holds everything up to here
    bool behind = false;        // more than bytes_max waits
    bool out_of_space = false;  // the last batch found no room
    friend bool operator==(const CheckpointProgress&, const CheckpointProgress&) = default;
};

class CheckpointWriter {
public:
    /// `zxid` is where the checkpoint in `store` stands.
    CheckpointWriter(const CheckpointTriggers& triggers, CheckpointStore& store, Zxid zxid);

    void take(wire::StateImages images, Instant now);
    /// When the next batch is to be written if nothing more is taken; nullopt: nothing waits.
    [[nodiscard]] std::optional<Instant> due() const;
    /// All that has been taken, as one batch; what found no room before is one of its own, and first. Nothing, if nothing
    /// waits.
    Result<void> write(Instant now);

    [[nodiscard]] const CheckpointProgress& progress() const { return progress_; }
    [[nodiscard]] std::uint64_t bytes() const;  // of pending images
    /// Of those that are not in the batch being written, but wait for the next one.
    [[nodiscard]] std::uint64_t bytes_next() const { return pending_.bytes(); }

private:
    [[nodiscard]] bool triggered() const;
    [[nodiscard]] bool behind() const { return bytes() > triggers_.bytes_max; }

    CheckpointTriggers triggers_;
    CheckpointStore& store_;
    std::optional<PendingImages> writing_;  // the store works on it, or found no room for it
    PendingImages pending_;                 // taken since
    CheckpointProgress progress_;
    Instant oldest_{};                 // when the first of pending_ was taken
    Instant newest_{};                 // and the last
    std::optional<Instant> retry_at_;  // the disk was full
};

}  // namespace zabd::storage
