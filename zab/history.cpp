#include "zab/history.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::zab {
namespace {

/// What a record takes besides its transaction.
constexpr std::size_t kRecordBytes = sizeof(Record) + 16;

std::size_t bytes_of(const Record& record) { return record.txn.size() + kRecordBytes; }

}  // namespace

History::History(Zxid begin, Zxid last, std::vector<Zxid> epoch_ends)
    : begin_(begin), last_(last), epoch_ends_(std::move(epoch_ends)), window_begin_(last) {
    ZABD_ASSERT(begin_ <= last_);
    std::erase_if(epoch_ends_, [&](Zxid end) { return end <= begin_ || end >= last_; });
    ZABD_ASSERT(std::ranges::is_sorted(epoch_ends_));
}

void History::append(Record record) {
    ZABD_ASSERT(follows(last_, record.zxid));
    if (record.zxid.epoch() != last_.epoch() && last_ > begin_) epoch_ends_.push_back(last_);
    last_ = record.zxid;
    window_bytes_ += bytes_of(record);
    window_.push_back(std::move(record));
}

void History::truncate(Zxid up_to) {
    ZABD_ASSERT(holds(up_to));
    while (!window_.empty() && window_.back().zxid > up_to) {
        window_bytes_ -= bytes_of(window_.back());
        window_.pop_back();
    }
    std::erase_if(epoch_ends_, [&](Zxid end) { return end >= up_to; });
    last_ = up_to;
    window_begin_ = std::min(window_begin_, up_to);
}

void History::reset(Zxid zxid) { *this = History(zxid, zxid, {}); }

void History::begin_at(Zxid begin) {
    if (begin <= begin_) return;
    ZABD_ASSERT(begin <= last_);
    begin_ = begin;
    std::erase_if(epoch_ends_, [&](Zxid end) { return end <= begin_; });
}

std::optional<Zxid> History::greatest_up_to(Zxid zxid) const {
    if (zxid < begin_) return std::nullopt;
    if (zxid >= last_) return last_;
    const auto end = std::ranges::lower_bound(epoch_ends_, zxid);
    const auto epoch_end = end == epoch_ends_.end() ? last_ : *end;  // the first that is not below zxid
    const auto before = end == epoch_ends_.begin() ? begin_ : *std::prev(end);
    return epoch_end.epoch() == zxid.epoch() && zxid.counter() != 0 ? zxid : before;
}

const Record* History::next(Zxid after) const {
    if (after < window_begin_ || after >= last_) return nullptr;
    // Inside an epoch the place follows from the number.
    const auto guess = after.value - window_.front().zxid.value + 1;
    if (guess < window_.size() && window_[guess].zxid.value == after.value + 1) return &window_[guess];
    const auto found = std::ranges::upper_bound(window_, after, {}, &Record::zxid);
    ZABD_ASSERT(found != window_.end());
    return &*found;
}

void History::trim(std::size_t bytes_max, Zxid spare) {
    while (window_bytes_ > bytes_max && !window_.empty() && window_.front().zxid <= spare) {
        window_begin_ = window_.front().zxid;
        window_bytes_ -= bytes_of(window_.front());
        window_.pop_front();
    }
}

}  // namespace zabd::zab
