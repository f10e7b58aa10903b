// The tree's memory: nodes in chunks that never move, found by path through an index (path_index.hpp).
//
// Slots     given out from a free list, so that a tree that shrinks and grows does not spread.
// Paths     are stored nowhere. A candidate of equal hash is verified by walking up, so a collision only costs time;
//           the hash mixes in 128 bits, so that colliding paths cannot be written down without a search.
#pragma once

#include "znode/node.hpp"
#include "znode/path.hpp"
#include "znode/path_index.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace zabd::znode {

/// Path of the root in here is "".
[[nodiscard]] std::uint32_t hash_of_path(std::string_view path);

/// A path, whole, with the hash by which it is looked up: made once where it is looked up more than once.
struct HashedPath {
    template <std::convertible_to<std::string_view> Text>
    HashedPath(const Text& text) : path(text), hash(hash_of_path(path == kRootPath ? std::string_view() : path)) {}

    std::string_view path;
    std::uint32_t hash;
};

class NodeStore {
public:
    [[nodiscard]] Node& at(Slot slot) { return chunks_[slot / kChunkNodes][slot % kChunkNodes]; }
    [[nodiscard]] const Node& at(Slot slot) const { return chunks_[slot / kChunkNodes][slot % kChunkNodes]; }

    /// kNoSlot: there is none.
    [[nodiscard]] Slot find(const HashedPath& path) const;
    /// A node with nothing but name and parent set; kNoSlot if there is one at `path`, which is the parent's and the name.
    Slot add(const HashedPath& path, Slot parent, std::string_view name);
    void remove(const HashedPath& path, Slot slot);
    /// `path` will be asked for soon.
    void prefetch(const HashedPath& path) const { index_.prefetch(path.hash); }

    [[nodiscard]] std::size_t size() const { return index_.size(); }

private:
    static constexpr std::size_t kChunkNodes = 512;

    [[nodiscard]] bool has_path(const Node& node, std::string_view path) const;
    Slot take_free_slot();

    std::vector<std::unique_ptr<Node[]>> chunks_;
    PathIndex index_;
    Slot slots_used_ = 0;
    Slot first_free_ = kNoSlot;  // linked by next_sibling
};

}  // namespace zabd::znode
