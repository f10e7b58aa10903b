#include "znode/path_index.hpp"

#include "wire/assert.hpp"

#include <utility>

namespace zabd::znode {

namespace {

/// Entries per ten buckets, of seven places each: fuller ones overflow often, emptier ones waste memory.
constexpr std::size_t kEntriesPerTenBuckets = 45;

}  // namespace

void PathIndex::add(std::uint32_t hash, Slot slot) {
    if (++size_ * 10 > bucket_count_ * kEntriesPerTenBuckets) split_one_bucket();
    put(home(bucket_of(hash)), {hash, slot});
}

void PathIndex::put(Bucket& home_bucket, Entry entry) {
    auto* bucket = &home_bucket;
    while (bucket->overflow != kNone) bucket = &overflows_[bucket->overflow];
    if (bucket->count == bucket->entries.size()) {
        bucket->overflow = take_overflow();
        bucket = &overflows_[bucket->overflow];
    }
    bucket->entries[bucket->count++] = entry;
}

std::uint32_t PathIndex::take_overflow() {
    if (free_overflow_ != kNone) {
        auto& bucket = overflows_[free_overflow_];
        return std::exchange(free_overflow_, std::exchange(bucket.overflow, kNone));
    }
    overflows_.emplace_back();
    return static_cast<std::uint32_t>(overflows_.size() - 1);
}

/// The last entry of the chain takes the place of the one that goes, so that only the last bucket is not full.
void PathIndex::remove(std::uint32_t hash, Slot slot) {
    Entry* gone = nullptr;
    std::uint32_t* link = nullptr;  // to the last bucket; nullptr: that is the home bucket
    auto* bucket = &home(bucket_of(hash));
    for (;;) {
        for (std::uint32_t i = 0; i < bucket->count; ++i)
            if (bucket->entries[i].slot == slot) gone = &bucket->entries[i];
        if (bucket->overflow == kNone) break;
        link = &bucket->overflow;
        bucket = &overflows_[*link];
    }
    ZABD_ASSERT(gone);
    *gone = bucket->entries[--bucket->count];
    if (bucket->count == 0 && link) bucket->overflow = std::exchange(free_overflow_, std::exchange(*link, kNone));
    --size_;
}

/// Entries of the next bucket in turn whose hash has one bit more go to a new bucket at the end.
void PathIndex::split_one_bucket() {
    auto& from = home(bucket_count_ & low_mask_);
    if (++bucket_count_ > segments_.size() * kSegmentBuckets) add_segment();
    if (bucket_count_ == 2 * (low_mask_ + 1)) low_mask_ = 2 * low_mask_ + 1;
    __builtin_prefetch(&home(bucket_count_ & low_mask_));

    moving_.assign(from.entries.begin(), from.entries.begin() + from.count);
    from.count = 0;
    for (auto i = std::exchange(from.overflow, kNone); i != kNone;) {
        auto& bucket = overflows_[i];
        moving_.insert(moving_.end(), bucket.entries.begin(), bucket.entries.begin() + bucket.count);
        bucket.count = 0;
        i = std::exchange(bucket.overflow, std::exchange(free_overflow_, i));
    }
    for (const auto& entry : moving_) put(home(bucket_of(entry.hash)), entry);
}

}  // namespace zabd::znode
