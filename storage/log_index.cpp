#include "storage/log_index.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <iterator>

namespace zabd::storage {

void LogIndex::add_batch(std::uint64_t segment, std::uint64_t offset, std::uint64_t end, Zxid before, Zxid last) {
    const std::lock_guard lock(mutex_);
    if (segments_.empty() || segments_.back().number != segment) {
        ZABD_ASSERT(segments_.empty() || segments_.back().number < segment);
        segments_.push_back({.number = segment, .end = offset, .zxid_last = before, .marks = {}});
    }
    auto& into = segments_.back();
    ZABD_ASSERT(into.end <= offset && into.zxid_last == before);
    if (into.marks.empty() || offset - into.marks.back().offset >= kMarkBytes) into.marks.push_back({offset, before});
    into.end = end;
    into.zxid_last = last;
}

void LogIndex::cut(Zxid up_to) {
    const std::lock_guard lock(mutex_);
    ZABD_ASSERT(up_to >= zxid_begin_);
    while (!segments_.empty()) {
        auto& last = segments_.back();
        std::erase_if(last.marks, [&](const Mark& mark) { return mark.before >= up_to; });
        last.zxid_last = std::min(last.zxid_last, up_to);
        if (!last.marks.empty()) return;
        segments_.pop_back();
    }
}

bool LogIndex::release(std::uint64_t segment) {
    const std::lock_guard lock(mutex_);
    if (!pinned_.empty() && *pinned_.begin() <= segment) return false;
    if (segments_.empty() || segments_.front().number != segment) return true;  // nothing of it counted
    zxid_begin_ = segments_.front().zxid_last;
    segments_.pop_front();
    return true;
}

Zxid LogIndex::zxid_begin() const {
    const std::lock_guard lock(mutex_);
    return zxid_begin_;
}

std::unique_ptr<LogIndex::Reading> LogIndex::read_behind(Zxid after) {
    const std::lock_guard lock(mutex_);
    if (after < zxid_begin_ || segments_.empty() || after >= segments_.back().zxid_last) return nullptr;
    const auto continues = [&](const Segment& segment) { return segment.marks.front().before <= after; };
    auto segment = std::prev(std::partition_point(segments_.begin(), segments_.end(), continues));
    const auto mark = std::prev(std::partition_point(segment->marks.begin(), segment->marks.end(),
                                                     [&](const Mark& one) { return one.before <= after; }));
    std::vector<Extent> extents;
    for (auto begin = mark->offset; segment != segments_.end(); ++segment) {
        if (!extents.empty()) begin = segment->marks.front().offset;
        extents.push_back(
            {.segment = segment->number, .begin = begin, .end = segment->end, .zxid_last = segment->zxid_last});
    }
    pinned_.insert(extents.front().segment);
    return std::make_unique<Reading>(*this, std::move(extents));
}

LogIndex::Reading::~Reading() {
    const std::lock_guard lock(index_.mutex_);
    index_.pinned_.erase(index_.pinned_.find(extents.front().segment));
}

}  // namespace zabd::storage
