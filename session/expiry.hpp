// When silent sessions end: deadline buckets, one per tick.
//
// Rule      a session expires at the first multiple of the tick after now + timeout, so between timeout and
//           timeout + tick after its last touch. Each bucket is looked at once.
// Lateness  a clock that stood still (a paused machine) must not end sessions that had no chance to speak: when time
//           jumps by more than half a session's timeout between two calls of advance(), all deadlines move by the jump,
//           rounded up to the tick, but none beyond what a touch would give. So that silent sessions end at all,
//           advance() is owed more often than twice in the shortest timeout.
// Cost      touch is O(1) when the bucket stays the same, else O(log buckets). A jump costs O(sessions log sessions).
#pragma once

#include "wire/ids.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace zabd::session {

class Expiry {
public:
    /// `tick` is at least 1 ms.
    explicit Expiry(Millis tick);

    /// The session spoke, or begins: it now lives until now + timeout, rounded up. Adds it if it is not there.
    void touch(SessionId session, Millis timeout, Instant now);
    void remove(SessionId session);
    /// Sessions whose deadline has come; they are removed. In ascending order within a bucket. `expired` is appended to.
    /// `now` never goes back.
    void advance(Instant now, std::vector<SessionId>& expired);

    /// Buckets with the time at which they fall due, for the word dump.
    [[nodiscard]] const std::map<Instant, std::set<SessionId>>& buckets() const { return buckets_; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Instant deadline;
        Millis timeout;
    };
    [[nodiscard]] Instant bucket_of(Instant at) const;
    [[nodiscard]] bool too_long(Millis jump) const;
    /// To be called when advanced_to_ is the time behind the jump.
    void put_off(Millis jump);
    void leave_bucket(SessionId session, Instant deadline);
    void forget_timeout(Millis timeout);

    Millis tick_;
    std::map<Instant, std::set<SessionId>> buckets_;
    std::unordered_map<SessionId, Entry> entries_;
    /// How many sessions have each timeout: few values, of which the least decides what jump is too long.
    std::map<Millis, std::size_t> timeouts_;
    Instant advanced_to_{};
    bool started_ = false;
};

}  // namespace zabd::session
