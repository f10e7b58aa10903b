#include "znode/node_store.hpp"

#include "wire/assert.hpp"

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

Slot NodeStore::find(const HashedPath& path) const {
    const auto inner = path.path == kRootPath ? std::string_view() : path.path;
    return index_.find(path.hash, [&](Slot slot) { return has_path(at(slot), inner); });
}

Slot NodeStore::add(const HashedPath& path, Slot parent, std::string_view name) {
    if (find(path) != kNoSlot) return kNoSlot;
    const Slot slot = take_free_slot();
    Node& node = at(slot);
    node.node_name = NodeName(name);
    node.parent = parent;
    index_.add(path.hash, slot);
    return slot;
}

void NodeStore::remove(const HashedPath& path, Slot slot) {
    index_.remove(path.hash, slot);
    Node& node = at(slot);
    node = Node{};
    node.next_sibling = std::exchange(first_free_, slot);
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
    if (first_free_ != kNoSlot) return std::exchange(first_free_, std::exchange(at(first_free_).next_sibling, kNoSlot));
    ZABD_ASSERT(slots_used_ != kNoSlot);
    if (slots_used_ % kChunkNodes == 0) chunks_.push_back(std::make_unique<Node[]>(kChunkNodes));
    return slots_used_++;
}

}  // namespace zabd::znode
