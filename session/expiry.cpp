#include "session/expiry.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::session {

Expiry::Expiry(Millis tick) : tick_(tick) { ZABD_ASSERT(tick >= Millis(1)); }

void Expiry::touch(SessionId session, Millis timeout, Instant now) {
    ZABD_ASSERT(timeout > Millis(0));
    ZABD_ASSERT(!started_ || now >= advanced_to_);
    const auto deadline = bucket_of(now + timeout);
    const auto [at, added] = entries_.try_emplace(session, Entry{deadline, timeout});
    const auto before = std::exchange(at->second, Entry{deadline, timeout});
    if (added || before.timeout != timeout) {
        ++timeouts_[timeout];
        if (!added) forget_timeout(before.timeout);
    }
    if (added || before.deadline != deadline) {
        if (!added) leave_bucket(session, before.deadline);
        buckets_[deadline].insert(session);
    }
}

void Expiry::remove(SessionId session) {
    const auto at = entries_.find(session);
    if (at == entries_.end()) return;
    leave_bucket(session, at->second.deadline);
    forget_timeout(at->second.timeout);
    entries_.erase(at);
}

void Expiry::advance(Instant now, std::vector<SessionId>& expired) {
    const auto before = std::exchange(advanced_to_, now);
    if (std::exchange(started_, true)) {
        ZABD_ASSERT(now >= before);
        if (too_long(now - before)) put_off(now - before);
    }
    while (!buckets_.empty() && buckets_.begin()->first <= now) {
        const auto due = buckets_.extract(buckets_.begin());
        for (const auto session : due.mapped()) {
            const auto entry = entries_.extract(session);
            ZABD_ASSERT(!entry.empty());
            forget_timeout(entry.mapped().timeout);
            expired.push_back(session);
        }
    }
}

Instant Expiry::bucket_of(Instant at) const {
    const auto into_tick = at.time_since_epoch() % tick_;  // negative before the clock's zero
    const auto begin = at - (into_tick < Millis(0) ? into_tick + tick_ : into_tick);
    return begin + tick_;
}

bool Expiry::too_long(Millis jump) const { return !timeouts_.empty() && 2 * jump > timeouts_.begin()->first; }

void Expiry::put_off(Millis jump) {
    buckets_.clear();
    for (auto& [session, entry] : entries_) {
        const auto moved = bucket_of(entry.deadline + jump - Millis(1));
        entry.deadline = std::min(moved, bucket_of(advanced_to_ + entry.timeout));
        buckets_[entry.deadline].insert(session);
    }
}

void Expiry::leave_bucket(SessionId session, Instant deadline) {
    const auto bucket = buckets_.find(deadline);
    ZABD_ASSERT(bucket != buckets_.end());
    bucket->second.erase(session);
    if (bucket->second.empty()) buckets_.erase(bucket);
}

void Expiry::forget_timeout(Millis timeout) {
    const auto at = timeouts_.find(timeout);
    ZABD_ASSERT(at != timeouts_.end());
    if (--at->second == 0) timeouts_.erase(at);
}

}  // namespace zabd::session
