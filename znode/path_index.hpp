// Where the node of a path lies: a hash table that grows by one bucket at a time, so that no insertion ever waits for
// a table to be rebuilt.
//
// Layout    linear hashing (Litwin, VLDB 1980). A bucket is one cache line of hashes and slots, with further ones behind
//           it where it overflows; so looking for a path that is not there reads one line and no node, and splitting a
//           bucket reads no node either. About 14 bytes an entry.
// Contract  knows hashes, not paths: whoever looks says which of the slots with its hash is the one.
#pragma once

#include "znode/node.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace zabd::znode {

class PathIndex {
public:
    PathIndex() { add_segment(); }

    /// The slot under `hash` for which `is_it(slot)`; kNoSlot if there is none.
    template <class Predicate>
    [[nodiscard]] Slot find(std::uint32_t hash, Predicate is_it) const {
        for (const auto* bucket = &home(bucket_of(hash)); bucket; bucket = next(*bucket)) {
            for (std::uint32_t i = 0; i < bucket->count; ++i) {
                const auto& entry = bucket->entries[i];
                if (entry.hash == hash && is_it(entry.slot)) return entry.slot;
            }
        }
        return kNoSlot;
    }
    void add(std::uint32_t hash, Slot slot);
    /// It is there.
    void remove(std::uint32_t hash, Slot slot);
    /// Will be asked for this hash soon.
    void prefetch(std::uint32_t hash) const { __builtin_prefetch(&home(bucket_of(hash))); }

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Entry {
        std::uint32_t hash;
        Slot slot;
    };
    struct alignas(64) Bucket {
        std::array<Entry, 7> entries;
        std::uint32_t count = 0;
        std::uint32_t overflow = kNone;  // index of the bucket behind it, which is not empty; then this one is full
    };
    static_assert(sizeof(Bucket) == 64);
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::size_t kSegmentBuckets = 512;
    static constexpr std::size_t kBucketsMin = 64;

    [[nodiscard]] std::size_t bucket_of(std::uint32_t hash) const {
        const auto wide = hash & (2 * low_mask_ + 1);
        return wide < bucket_count_ ? wide : hash & low_mask_;
    }
    [[nodiscard]] Bucket& home(std::size_t i) { return segments_[i / kSegmentBuckets][i % kSegmentBuckets]; }
    [[nodiscard]] const Bucket& home(std::size_t i) const {
        return segments_[i / kSegmentBuckets][i % kSegmentBuckets];
    }
    [[nodiscard]] const Bucket* next(const Bucket& bucket) const {
        return bucket.overflow == kNone ? nullptr : &overflows_[bucket.overflow];
    }
    void add_segment() { segments_.push_back(std::make_unique<Bucket[]>(kSegmentBuckets)); }
    void put(Bucket& home_bucket, Entry entry);
    std::uint32_t take_overflow();
    void split_one_bucket();

    std::vector<std::unique_ptr<Bucket[]>> segments_;
    std::deque<Bucket> overflows_;
    std::uint32_t free_overflow_ = kNone;  // linked by Bucket::overflow
    std::size_t bucket_count_ = kBucketsMin;
    std::size_t low_mask_ = kBucketsMin - 1;  // buckets below bucket_count_ & low_mask_ are split already
    std::size_t size_ = 0;
    std::vector<Entry> moving_;  // scratch of split_one_bucket()
};

}  // namespace zabd::znode
