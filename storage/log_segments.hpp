// The log's files, without its threads: scan, append and sync, truncate, next segment, release, read.
//
// Contract  one writer: a batch is written with one call and synced before the next one starts. A segment's file is built
//           at full size under a temporary name, synced, renamed and its directory synced before it is used.
// Truncate  what is cut stays where it is. The log goes on in the next segment, which begins with a batch without records
//           that names the position it continues: one write of one sector, after which a scan passes over all that
//           earlier segments hold beyond that position. So a crash leaves the old end or the new one, and what was cut
//           cannot come back: all that is appended later is behind that batch. Segments that are cut wholly go
//           with the others, oldest first.
// Threads   one, but for build_segment() and drop_segments(), which touch only what they are given and may run on another;
//           and for read(), one at a time.
// Errors    by value; after a failed append() nothing may be called any more: nobody can know what the disk has.
#pragma once

#include "storage/file.hpp"
#include "storage/log.hpp"
#include "storage/log_format.hpp"
#include "storage/log_index.hpp"
#include "storage/log_walk.hpp"
#include "wire/result.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace zabd::storage {

/// A segment to be built: of zeros, or of the file of an older segment.
struct SegmentPlan {
    std::filesystem::path path;
    SegmentId id;
    std::uint64_t bytes = 0;
    std::filesystem::path recycled;  // empty: a new file
};

struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;  // of the file
    std::unique_ptr<File> file;
};

Result<Segment> build_segment(FileSystem& files, const SegmentPlan& plan);

/// Takes away what build_segment() left behind when it failed.
Result<void> drop_unfinished(FileSystem& files, const SegmentPlan& plan);

/// Removes the files in this order, each durably before the next.
Result<void> drop_segments(FileSystem& files, const std::vector<std::filesystem::path>& paths);

class LogSegments {
public:
    /// As Log::open.
    static Result<std::unique_ptr<LogSegments>> open(const LogOptions& options, Zxid after,
                                                     const std::function<void(LogRecord)>& visit, LogScan& scan);

    /// As Log::create.
    static Result<std::unique_ptr<LogSegments>> create(const LogOptions& options, Zxid zxid);

    /// Writes the records as one batch and syncs it. None: a batch that only says that all before it is durable.
    /// Requires has_next() if rolls_for(records).
    Result<void> append(std::span<const LogRecord> records);
    /// append() of these would go on in the next segment.
    [[nodiscard]] bool rolls_for(std::span<const LogRecord> records) const;
    /// All behind `up_to` goes, durably: Log::truncate. Requires has_next() if rolls_for_truncate(up_to). Errc::kDamaged:
    /// `up_to` is no position of the log, or what leads to it does not read; nothing has changed.
    Result<void> truncate(Zxid up_to);
    [[nodiscard]] bool rolls_for_truncate(Zxid up_to) const;
    /// Log::read, at once. None: `after` is not, or no longer, a position to read from, or nothing is behind it.
    [[nodiscard]] Result<std::vector<LogRecord>> read(Zxid after, std::size_t bytes_max) const;
    [[nodiscard]] bool has_next() const { return !next_.empty(); }
    /// What batches may still take in the current segment.
    [[nodiscard]] std::uint64_t room_bytes() const { return current_.bytes - std::min(current_.bytes, offset_); }

    /// The current segment is half full and the next one is not there: adopt(build_segment(next_plan())).
    [[nodiscard]] bool wants_next() const;
    [[nodiscard]] SegmentPlan next_plan();
    void adopt(Segment next);

    /// Forgets the segments that hold nothing behind `zxid`, but for the newest LogOptions::retain_bytes of them and what is
    /// being read, and returns those whose files are to be dropped, oldest first. The newest that has a record always
    /// stays: it tells where the log ends.
    std::vector<std::filesystem::path> release_through(Zxid zxid);

    [[nodiscard]] Zxid zxid_last() const { return position_.zxid; }
    /// Records behind it can be read.
    [[nodiscard]] Zxid zxid_begin() const { return index_->zxid_begin(); }
    [[nodiscard]] std::uint64_t size_bytes() const;

private:
    struct Closed {
        std::uint64_t number = 0;
        std::uint64_t bytes = 0;
        Zxid zxid_last;
    };
    class Opening;

    explicit LogSegments(const LogOptions& options);

    [[nodiscard]] std::filesystem::path path_of(std::uint64_t number) const;
    Result<void> write_batch(std::span<const LogRecord> records);
    [[nodiscard]] Result<LogPosition> position_at(Zxid zxid) const;
    void cut_back(const LogPosition& position);
    [[nodiscard]] LogFiles log_files() const;
    void roll();
    void close_current();

    LogOptions options_;
    LogPosition position_;  // all of it durable between calls
    Zxid zxid_released_;
    std::unique_ptr<LogIndex> index_;

    std::deque<Closed> closed_;  // oldest first
    Segment current_;
    std::uint64_t offset_ = kBlockBytes;  // in current_, of the next batch
    std::deque<Segment> next_;            // built, empty, oldest first
    std::deque<Closed> spare_;            // released, to be recycled, oldest first
    std::string batch_;                   // kept for its memory
};

}  // namespace zabd::storage
