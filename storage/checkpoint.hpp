// The checkpoint: a replica of the state in LMDB that lags behind.
//
// Contract  put() takes the after-images of committed transactions, in order; a thread of its own folds them (the last
//           image of a node wins) and writes them in one LMDB transaction together with the zxid that they are complete
//           up to. What is on disk is always exactly the state at one zxid.
// Threads   put() and stop() from one thread (the core's); `on_progress` is called on the checkpoint's thread.
// Pace      a batch is written in slices, with pauses, so that the log's syncs do not wait for it; without pauses when more
//           waits than should, and at the end.
// Errors    opening and loading by value. A commit that fails for anything but a full disk stops the process.
// Keys      node ids, so that a path may be longer than an LMDB key, and one forward scan meets parents first.
#pragma once

#include "storage/checkpoint_writer.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace zabd::storage {

struct CheckpointOptions {
    std::filesystem::path directory;
    std::uint64_t identity = 0;  // of the data directory, DataDir::identity(): told from another one's
    CheckpointTriggers triggers{};
};

struct LoadProgress {
    std::uint64_t nodes = 0;
    std::uint64_t nodes_in_all = 0;
};

/// What a checkpoint holds, in the order in which it is told: sessions and ACL lists, then nodes by ascending id.
struct CheckpointVisitor {
    std::function<Result<void>(const wire::SessionImage&)> on_session;
    std::function<Result<void>(const wire::AclImage&)> on_acl;
    std::function<Result<void>(const wire::NodeRecord&, Bytes data)> on_node;
    std::function<void(const LoadProgress&)> on_progress{};  // may be empty
    Millis progress_interval{1000};
};

struct CheckpointSummary {
    Zxid zxid;                 // 0: there was no checkpoint yet
    std::uint64_t digest = 0;  // of the tree at zxid
    std::uint64_t node_count = 0;
    NodeId next_node{};  // ids below it have been used
    SessionId highest_session = SessionId::kNone;
    bool present = false;  // false: a fresh directory
};

struct CheckpointFigures {
    std::uint64_t size_bytes = 0;     // of the file
    std::uint64_t pending_bytes = 0;  // of images that wait
    /// Batches since the oldest snapshot that a reader (a backup) holds: the file grows by them.
    std::uint64_t reader_lag = 0;
    bool disk_short = false;  // the file could not be extended by as much as it would like to
};

/// What a checkpoint holds, as the stream that a learner takes (wire/snapshot_stream.hpp): of exactly one zxid, while the
/// checkpoint itself goes on.
///
/// Threads   one at a time, but any; it may outlive the checkpoint.
/// Cost      the file grows by what is changed while it lives. So it ends when next() is not called for kIdleMax.
/// Memory    bounded, whatever the size of the tree.
/// Errors    Errc::kDamaged, or Errc::kIo once it has ended for idleness: what was taken so far is no snapshot.
class SnapshotSource {
public:
    static constexpr Millis kIdleMax{10 * 60 * 1000};

    virtual ~SnapshotSource() = default;

    [[nodiscard]] virtual Zxid zxid() const = 0;
    /// Appends about so many bytes to `out`, more if one element is longer. False: that was the end.
    virtual Result<bool> next(std::string& out, std::size_t bytes_about) = 0;
};

class LmdbStore;

class Checkpoint {
public:
    /// Opens, and tells `visitor` all there is. Damage is Errc::kDamaged with the file and what a restore needs.
    static Result<std::unique_ptr<Checkpoint>> open(const CheckpointOptions& options, const CheckpointVisitor& visitor,
                                                    CheckpointSummary& summary);
    /// Of a store that stands at `zxid`.
    static std::unique_ptr<Checkpoint> over(const CheckpointOptions& options, std::unique_ptr<LmdbStore> store,
                                            Zxid zxid);
    virtual ~Checkpoint() = default;

    /// `on_progress` is called whenever it has changed.
    virtual void start(std::function<void(const CheckpointProgress&)> on_progress) = 0;
    /// False: more waits than should, as with CheckpointProgress::behind; hold back until on_progress says otherwise. Before
    /// start() images are only folded.
    virtual bool put(wire::StateImages images) = 0;
    /// `ready` is called on the checkpoint's thread: at once if there is a batch on disk, else after the first one; with
    /// nullptr if no more can be open (or the disk could not be read), or if the checkpoint stops before. After start().
    virtual void open_snapshot(std::function<void(std::unique_ptr<SnapshotSource>)> ready) = 0;
    /// Writes all that is waiting if the disk has room for it, then ends the thread.
    virtual void stop() = 0;

    [[nodiscard]] virtual CheckpointFigures figures() const = 0;  // from any thread
    [[nodiscard]] std::uint64_t size_bytes() const { return figures().size_bytes; }
};

}  // namespace zabd::storage
