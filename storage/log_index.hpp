// Where in the log's files which record is: enough to find a position without reading from a segment's beginning.
//
// Holds     the segments of which something counts, in order; of each where it ends, and about every kMarkBytes the place of
//           a batch.
// Threads   all calls from any: the writer tells it, a reader asks.
// Pin       the segments from a Reading's first on stay while it lives.
#pragma once

#include "wire/ids.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace zabd::storage {

class LogIndex {
public:
    static constexpr std::uint64_t kMarkBytes = 256 << 10;

    explicit LogIndex(Zxid zxid_begin) : zxid_begin_(zxid_begin) {}

    // --- for the writer ---
    /// A batch that continues `before` stands behind all others. `end` is where it ends in the segment.
    void add_batch(std::uint64_t segment, std::uint64_t offset, std::uint64_t end, Zxid before, Zxid last);
    /// Nothing behind `up_to` counts any more.
    void cut(Zxid up_to);
    /// The oldest segment is to be let go. False: it is being read.
    bool release(std::uint64_t segment);

    // --- for a reader ---
    [[nodiscard]] Zxid zxid_begin() const;

    struct Extent {
        std::uint64_t segment = 0;
        std::uint64_t begin = 0;  // of a batch that does not continue anything beyond what was asked for
        std::uint64_t end = 0;    // behind the last batch
        Zxid zxid_last;           // records beyond it do not count
    };
    /// What has to be read for the records behind a zxid, in order.
    class Reading {
    public:
        Reading(LogIndex& index, std::vector<Extent> found) : extents(std::move(found)), index_(index) {}
        ~Reading();
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

        const std::vector<Extent> extents;  // at least one

    private:
        LogIndex& index_;
    };
    /// nullptr: `after` is older than what is kept, or nothing is behind it.
    [[nodiscard]] std::unique_ptr<Reading> read_behind(Zxid after);

private:
    struct Mark {
        std::uint64_t offset = 0;
        Zxid before;
    };
    struct Segment {
        std::uint64_t number = 0;
        std::uint64_t end = 0;
        Zxid zxid_last;
        std::vector<Mark> marks;  // of its first batch, and of some later ones
    };

    mutable std::mutex mutex_;  // for all that follows
    Zxid zxid_begin_;
    std::deque<Segment> segments_;
    std::multiset<std::uint64_t> pinned_;  // first segments of the readings
};

}  // namespace zabd::storage
