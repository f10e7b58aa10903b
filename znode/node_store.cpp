#include "znode/node_store.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::znode {

namespace {

__extension__ typedef unsigned __int128 Product;

/// Both halves of the product, folded into one; with the factors, so that a zero does not swallow the other.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const Product product = static_cast<Product>(a) * b;
    return a ^ b ^ static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t load(const char* bytes) {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

struct Words {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

/// All of at most 16 bytes; what overlaps does no harm, as the length is mixed in elsewhere.
Words load_last(const char* bytes, std::size_t count) {
    if (count >= 8) return {load<std::uint64_t>(bytes), load<std::uint64_t>(bytes + count - 8)};
    if (count >= 4) return {load<std::uint32_t>(bytes), load<std::uint32_t>(bytes + count - 4)};
    Words words;
    for (; count > 0; --count) words.first = words.first << 8 | static_cast<unsigned char>(*bytes++);
    return words;
}

// Fractional digits of pi: odd enough, and nobody chose them.
constexpr std::uint64_t kKeyA = 0x243f6a8885a308d3;
constexpr std::uint64_t kKeyB = 0x13198a2e03707345;

}  // namespace

std::uint32_t hash_of_path(std::string_view path) {
    std::uint64_t state = kKeyA ^ path.size();
    for (; path.size() > 16; path.remove_prefix(16)) {
        const auto [first, second] = load_last(path.data(), 16);
        state = mix(state ^ first, kKeyB ^ second) + kKeyA;
    }
    const auto [first, second] = load_last(path.data(), path.size());
    state = mix(state ^ first, kKeyB ^ second);
    return static_cast<std::uint32_t>(mix(state ^ kKeyA, kKeyB));
}

NodeStore::NodeStore() { add_segment(); }

Slot NodeStore::find(std::string_view path) const {
    const auto hash = hash_of_path(path);
    for (Slot slot = bucket(bucket_of(hash)); slot != kNoSlot;) {
        const Node& node = at(slot);
        if (node.path_hash == hash && has_path(node, path)) return slot;
        slot = node.next_in_bucket;
    }
    return kNoSlot;
}

Slot NodeStore::add(std::string_view path, Slot parent, std::string_view name) {
    const Slot slot = take_free_slot();
    Node& node = at(slot);
    node.node_name = NodeName(name);
    node.parent = parent;
    node.path_hash = hash_of_path(path);
    if (++size_ > bucket_count_) split_one_bucket();
    node.next_in_bucket = std::exchange(bucket(bucket_of(node.path_hash)), slot);
    return slot;
}

void NodeStore::remove(Slot slot) {
    Node& node = at(slot);
    Slot* link = &bucket(bucket_of(node.path_hash));
    while (*link != slot) link = &at(*link).next_in_bucket;
    *link = node.next_in_bucket;
    node = Node{};
    node.next_in_bucket = std::exchange(first_free_, slot);
    --size_;
}

std::size_t NodeStore::bucket_of(std::uint32_t hash) const {
    const auto wide = hash & (2 * low_mask_ + 1);
    return wide < bucket_count_ ? wide : hash & low_mask_;
}

bool NodeStore::has_path(const Node& node, std::string_view path) const {
    const Node* at_level = &node;
    for (; at_level->parent != kNoSlot; at_level = &at(at_level->parent)) {
        const auto name = at_level->name();
        if (!path.ends_with(name)) return false;
        path.remove_suffix(name.size());
        if (!path.ends_with('/')) return false;
        path.remove_suffix(1);
    }
    return path.empty();
}

Slot NodeStore::take_free_slot() {
    if (first_free_ != kNoSlot) return std::exchange(first_free_, at(first_free_).next_in_bucket);
    ZABD_ASSERT(slots_used_ != kNoSlot);
    if (slots_used_ % kChunkNodes == 0) chunks_.push_back(std::make_unique<Node[]>(kChunkNodes));
    return slots_used_++;
}

void NodeStore::add_segment() {
    auto& segment = segments_.emplace_back(std::make_unique_for_overwrite<Slot[]>(kSegmentBuckets));
    std::fill_n(segment.get(), kSegmentBuckets, kNoSlot);
}

/// Nodes of the next bucket in turn whose hash has one bit more go to a new bucket at the end.
void NodeStore::split_one_bucket() {
    const auto from = bucket_count_ & low_mask_;
    const auto to = bucket_count_++;
    if (to / kSegmentBuckets == segments_.size()) add_segment();
    if (bucket_count_ == 2 * (low_mask_ + 1)) low_mask_ = 2 * low_mask_ + 1;

    for (Slot slot = std::exchange(bucket(from), kNoSlot); slot != kNoSlot;) {
        Node& node = at(slot);
        Slot& chain = bucket(bucket_of(node.path_hash));
        ZABD_ASSERT(&chain == &bucket(from) || &chain == &bucket(to));
        slot = std::exchange(node.next_in_bucket, std::exchange(chain, slot));
    }
}

}  // namespace zabd::znode
