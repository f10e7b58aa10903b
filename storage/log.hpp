// The log on disk: segments of framed records, written by one thread, synced in groups.
//
// Contract  append() collects and flush() hands over; the writer thread writes all that has queued, syncs once, and says
//           how far the log is durable. Records become durable in order.
// Lone      waking the thread and being woken by it costs about as much as a fast disk's sync. So a single record, for
// records   which nothing else would have to wait, may be written by flush() itself, as long as the last sync was fast.
// Reads     of what was written, on a thread of their own, for learners that lag. They see nothing that was truncated, and the
//           segments that they are in are not let go meanwhile.
// Threads   append(), truncate(), flush(), read(), discard_through() and stop() from one thread (the core's); `on_progress`
//           is called on the writer thread, what read() was given on the reading one. Bytes handed over stay shared
//           until they are written.
// Errors    opening and scanning by value. A failed write or sync afterwards is never retried: the process stops,
//           because nobody can know what the disk has (docs/storage.md).
// Full disk no error while serving: what is queued waits, and LogProgress says what still has room.
// Bounds    the queue is bounded by the core's outstanding requests.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zabd::storage {

class FileSystem;

struct LogOptions {
    std::filesystem::path directory;
    std::size_t segment_bytes = 16 << 20;  // a segment is closed once the next batch does not fit into so many
    std::uint64_t identity = 0;            // of the data directory, DataDir::identity(): told from another one's log
    /// Of segments that the checkpoint covers so many bytes are kept, the newest ones, for learners that lag.
    std::uint64_t retain_bytes = 64 << 20;
    FileSystem* files = nullptr;  // nullptr: the real one
};

struct LogRecord {
    Zxid zxid;
    Bytes txn;
};

/// What a scan at start found: every record after `after`, in order.
struct LogScan {
    Zxid zxid_last;                  // of the last whole record; `after` if there is none
    Zxid zxid_begin{};               // records behind it can be read
    std::vector<Zxid> epoch_ends{};  // behind zxid_begin, up to zxid_last: the last zxid of each epoch that is over
    std::uint64_t torn_bytes = 0;    // cut from the tail: written but never acknowledged
};

inline constexpr std::uint64_t kUnlimitedRoom = std::numeric_limits<std::uint64_t>::max();

struct LogProgress {
    Zxid zxid_durable;  // this record and all before it survive a power cut
    /// Bytes of batches (log_format.hpp) that have room behind zxid_durable; what comes beyond waits until the disk has
    /// space again. kUnlimitedRoom unless it is full.
    std::uint64_t room_bytes = kUnlimitedRoom;
    Zxid zxid_begin{};              // records behind it can be read
    std::uint64_t truncations = 0;  // carried out, durably, since the start. zxid_durable is that of after the last one
    friend bool operator==(const LogProgress&, const LogProgress&) = default;
};

class Log {
public:
    /// Scans the segments, hands each record behind `after` to `visit` in order, cuts a torn tail, and opens for
    /// appending. Damage elsewhere is Errc::kDamaged with file and offset, and nothing is changed.
    /// `after` older than the oldest record kept, or a gap in the zxids, is damage too. When `visit` is called first, `scan`
    /// already says where the log begins, and which epochs end up to `after`.
    static Result<std::unique_ptr<Log>> open(const LogOptions& options, Zxid after,
                                             const std::function<void(LogRecord)>& visit, LogScan& scan);
    /// A new log in a directory that has none, which begins behind `zxid`. Durable on return, but for the directory itself.
    static Result<std::unique_ptr<Log>> create(const LogOptions& options, Zxid zxid);
    virtual ~Log() = default;

    /// Starts the writer thread. `on_progress` is told of every change.
    virtual void start(std::function<void(const LogProgress&)> on_progress) = 0;
    virtual void append(Zxid zxid, Bytes txn) = 0;
    /// All behind `up_to` goes, in order with append(): what is appended next continues `up_to`, which is a position of the
    /// log (a record's zxid or where it begins) and not below what was discarded. Needs no flush(). Durable once
    /// LogProgress::truncations counts it; until then a crash leaves the old end or the new one.
    virtual void truncate(Zxid up_to) = 0;
    /// `alone`: the caller has nothing else to do. Then the record may be durable on return: on_progress is not called,
    /// the progress is returned; nullopt: it will come by on_progress.
    virtual std::optional<LogProgress> flush(bool alone) = 0;
    using Records = std::vector<LogRecord>;
    /// Records behind `after`, of about so many bytes in all, but at least one; reads are answered in order. They see all that
    /// was written when their turn comes (not what is queued), whether it is durable or not; and what was truncated
    /// before they were asked for is gone. None: `after` is not, or no longer, a position from which the log can be
    /// read, or nothing is behind it; or the disk could not be read (Figures::read_error). Answered after start();
    /// not any more once stop() has begun.
    virtual void read(Zxid after, std::size_t bytes_max, std::function<void(Records)> done) = 0;
    /// The checkpoint holds everything up to `zxid`: segments wholly below it may go.
    virtual void discard_through(Zxid zxid) = 0;
    /// Flushes, writes and syncs what is queued (on a full disk: what has room), then ends the thread.
    virtual void stop() = 0;

    struct Figures {
        std::uint64_t syncs = 0;
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
        std::uint64_t sync_us_max = 0;
        std::uint64_t sync_us_max_recent = 0;  // of the last second or two
        std::uint64_t sync_us_sum = 0;
        std::uint64_t sync_us_now = 0;  // for how long the one that is running has been; 0: none is
        std::uint64_t size_bytes = 0;   // of the segments on disk
        std::uint64_t reads_failed = 0;
        std::string read_error{};  // of the last one that failed, with file and offset
    };
    [[nodiscard]] virtual Figures figures() const = 0;  // from any thread
};

}  // namespace zabd::storage
