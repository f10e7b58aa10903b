// After-images of nodes that wait for the checkpoint.
//
// Speed     at a million nodes a table that is looked up for each image costs several misses of the processor's caches.
//           So images are kept in the order in which they come, and folded now and then by sorting. A small table of the
//           latest folds at once what changes all the time: the parent of what is being created, a lock, a counter.
// Effects   none.
#pragma once

#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace zabd::storage {

class PendingNodes {
public:
    /// `next_new`: whatever is deleted of this or a higher id was not there before either, and is forgotten.
    explicit PendingNodes(NodeId next_new) : next_new_(next_new) {}

    void add(wire::NodeImage image);
    /// Of each node the last image, in ascending order of ids. Good until the next add().
    [[nodiscard]] std::vector<const wire::NodeImage*> folded();

    /// Memory, about: the images that fold() has not dropped yet included.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    static constexpr std::size_t kPerBlock = 512;
    static constexpr std::size_t kFoldMin = 64 << 10;
    static constexpr std::size_t kLatest = 1024;

    struct Entry {
        NodeId id = NodeId::kNone;
        wire::NodeImage* image = nullptr;
    };

    wire::NodeImage* keep(wire::NodeImage image);
    void fold();
    void drop_superseded();
    void compact();

    NodeId next_new_;
    std::vector<std::vector<wire::NodeImage>>
        blocks_;                  // never grow beyond what they reserve: images stay where they are
    std::vector<Entry> entries_;  // up to sorted_ in order and unique, then as they came
    std::size_t sorted_ = 0;
    std::size_t kept_ = 0;  // images in blocks_, superseded ones included
    std::array<Entry, kLatest> latest_{};
    std::uint64_t bytes_ = 0;
};

}  // namespace zabd::storage
