// The tree's memory: nodes in chunks that never move, and an index that finds them by path.
//
// Slots     given out from a free list, so that a tree that shrinks and grows does not spread.
// Index     linear hashing (Litwin, 1980): one bucket is split for each node that comes, so that growing takes no pause.
//           A bucket is a chain through the nodes themselves: four bytes per node in the index, four in the node.
//           Buckets are never given back.
// Paths     are stored nowhere. A candidate of equal hash is verified by walking up, so a collision only costs time;
//           the hash mixes in 128 bits, so that colliding paths cannot be written down without a search.
#pragma once

#include "znode/node.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace zabd::znode {

/// Path of the root in here is "".
[[nodiscard]] std::uint32_t hash_of_path(std::string_view path);

class NodeStore {
public:
    NodeStore();

    [[nodiscard]] Node& at(Slot slot) { return chunks_[slot / kChunkNodes][slot % kChunkNodes]; }
    [[nodiscard]] const Node& at(Slot slot) const { return chunks_[slot / kChunkNodes][slot % kChunkNodes]; }

    /// kNoSlot: there is none.
    [[nodiscard]] Slot find(std::string_view path) const;
    /// A node with nothing but name, parent and path hash set. There is none at `path`, which is the parent's and the
    /// name.
    Slot add(std::string_view path, Slot parent, std::string_view name);
    void remove(Slot slot);

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    static constexpr std::size_t kChunkNodes = 512;
    static constexpr std::size_t kSegmentBuckets = 4096;

    [[nodiscard]] std::size_t bucket_of(std::uint32_t hash) const;
    [[nodiscard]] Slot& bucket(std::size_t i) { return segments_[i / kSegmentBuckets][i % kSegmentBuckets]; }
    [[nodiscard]] Slot bucket(std::size_t i) const { return segments_[i / kSegmentBuckets][i % kSegmentBuckets]; }
    [[nodiscard]] bool has_path(const Node& node, std::string_view path) const;
    Slot take_free_slot();
    void add_segment();
    void split_one_bucket();

    std::vector<std::unique_ptr<Node[]>> chunks_;
    std::vector<std::unique_ptr<Slot[]>> segments_;
    std::size_t bucket_count_ = kSegmentBuckets;
    std::size_t low_mask_ = kSegmentBuckets - 1;  // buckets below bucket_count_ & low_mask_ are split already
    std::size_t size_ = 0;
    Slot slots_used_ = 0;
    Slot first_free_ = kNoSlot;
};

}  // namespace zabd::znode
