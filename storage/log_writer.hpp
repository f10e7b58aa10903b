// What the log's thread does, without the thread: groups records into batches, and keeps the next segment at hand. The
// simulator runs it over a faulty disk.
//
// Contract  records become durable, and truncations are carried out, in the order in which they were added. Work on files that takes long is an errand, which
//           may run beside write_batch(), one at a time.
// Full disk a segment that cannot be built is no error. progress() then says how many bytes of batches still have room;
//           what is added beyond waits, and the errand comes again every kRetrySpace.
// Threads   one at a time, but for run_errand(). Time is told.
// Errors    by value: after one nothing may be called any more, because nobody can know what the disk has.
#pragma once

#include "storage/log.hpp"
#include "storage/log_segments.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace zabd::storage {

/// Files to be dropped, then a segment to be built.
struct LogErrand {
    std::vector<std::filesystem::path> drop;
    std::optional<SegmentPlan> build;
};
struct LogErrandDone {
    std::optional<Segment> built;
    bool out_of_space = false;
};
Result<LogErrandDone> run_errand(FileSystem& files, const LogErrand& errand);

class LogWriter {
public:
    static constexpr Millis kRetrySpace{1000};

    explicit LogWriter(std::unique_ptr<LogSegments> segments) : segments_(std::move(segments)) {}

    void add(LogRecord record);
    /// In order with add(): LogSegments::truncate. Of what waits it is a batch of its own, without records.
    void truncate(Zxid up_to);
    /// The checkpoint holds everything up to `zxid`: segments wholly below it may go.
    void release_through(Zxid zxid) { released_ = zxid; }

    [[nodiscard]] bool empty() const { return begin_ == queue_.size() && cuts_.empty(); }
    /// The first of what waits has room.
    [[nodiscard]] bool has_batch() const;
    /// What write_batch() will write. Empty unless has_batch(), and when it will truncate.
    [[nodiscard]] std::span<const LogRecord> next_batch() const;
    /// Writes and syncs one batch of what waits. Requires has_batch().
    Result<void> write_batch();
    /// The last words of an orderly stop: they say that all before them is durable. On a full disk they may be missing.
    Result<void> write_end();

    /// nullopt: none is due. The caller runs it and tells finish_errand() before it asks for the next.
    [[nodiscard]] std::optional<LogErrand> next_errand(Instant now);
    void finish_errand(LogErrandDone done, Instant now);
    /// The disk was full: when next_errand() looks again though nothing else happens.
    [[nodiscard]] std::optional<Instant> retry_at() const { return retry_at_; }

    [[nodiscard]] LogProgress progress() const;
    /// Records in memory: what waits, and at most as many that have been written.
    [[nodiscard]] std::size_t kept() const { return queue_.size(); }
    [[nodiscard]] const LogSegments& segments() const { return *segments_; }

private:
    struct Cut {
        std::size_t at = 0;  // in queue_: it comes before that record
        Zxid up_to;
    };
    /// Up to the next cut.
    [[nodiscard]] std::span<const LogRecord> waiting() const;
    [[nodiscard]] bool cut_due() const { return !cuts_.empty() && cuts_.front().at == begin_; }
    Result<void> cut();
    void forget_written();
    [[nodiscard]] bool has_room_for(std::span<const LogRecord> records) const;

    std::unique_ptr<LogSegments> segments_;
    std::vector<LogRecord> queue_;
    std::size_t begin_ = 0;  // in queue_, of what waits: what is before it has been written
    std::deque<Cut> cuts_;
    std::uint64_t truncations_ = 0;
    std::optional<Zxid> released_;
    std::optional<Instant> retry_at_;  // while the disk is full
};

}  // namespace zabd::storage
