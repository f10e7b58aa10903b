// Which transactions our log holds, as far as ZAB must know: where it begins and ends, where its epochs end, and its
// newest records themselves.
//
// Numbers   inside an epoch counters rise by exactly 1, from 1. So with the ends of its epochs known, whether any zxid is
//           in the history is decided without its record (hazards Z-19, Z-20).
// Window    the newest records are kept in memory: what is not delivered yet, and for learners that lag a little some of
//           what is. The rest is read from the log.
#pragma once

#include "wire/ids.hpp"
#include "zab/events.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace zabd::zab {

class History {
public:
    /// Records behind `begin` can be read from the log, of which `last` is the last; epochs that were over by then end
    /// at `epoch_ends`.
    History(Zxid begin, Zxid last, std::vector<Zxid> epoch_ends);

    [[nodiscard]] Zxid begin() const { return begin_; }
    [[nodiscard]] Zxid last() const { return last_; }

    /// follows(last(), record.zxid).
    void append(Record record);
    /// `up_to` is in the history.
    void truncate(Zxid up_to);
    /// Nothing but what a snapshot holds that is complete up to `zxid`.
    void reset(Zxid zxid);
    /// The log lets go of all up to `begin`.
    void begin_at(Zxid begin);

    /// The greatest of our zxids that is not above `zxid`; begin() counts as one. nullopt: it lies before begin().
    [[nodiscard]] std::optional<Zxid> greatest_up_to(Zxid zxid) const;
    [[nodiscard]] bool holds(Zxid zxid) const { return greatest_up_to(zxid) == zxid; }

    /// The record behind `after`, if the window has it. Good until the next change.
    [[nodiscard]] const Record* next(Zxid after) const;
    /// Of the window, the oldest records that are not above `spare` go until the others take at most `bytes_max`.
    void trim(std::size_t bytes_max, Zxid spare);

private:
    Zxid begin_;
    Zxid last_;
    std::vector<Zxid> epoch_ends_;  // behind begin_ and before last_, ascending
    std::deque<Record> window_;     // up to last_
    Zxid window_begin_;             // it holds all behind this
    std::size_t window_bytes_ = 0;
};

}  // namespace zabd::zab
