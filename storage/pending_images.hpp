// After-images that wait for the checkpoint, folded: of each thing only the last image is kept.
//
// Effects   none.
#pragma once

#include "storage/pending_nodes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace zabd::storage {

/// What a checkpoint takes in one step: everything that changed up to `zxid` and is not in it yet. Of each thing there is
/// one image, and each kind is in ascending order, as a B-tree likes it: node ids, session ids read as unsigned, ACL ids.
struct CheckpointBatch {
    Zxid zxid;
    std::uint64_t digest = 0;  // of the tree at zxid
    NodeId next_node{};        // ids below it have been used
    std::span<const wire::NodeImage* const> nodes;
    std::span<const wire::SessionImage> sessions;
    std::span<const wire::AclImage> acls;
};

class PendingImages {
public:
    /// `before` is where the checkpoint stands.
    explicit PendingImages(Zxid before) : PendingImages(before, kUnknown) {}

    void add(wire::StateImages images);
    /// All that waits; good until the next add().
    [[nodiscard]] CheckpointBatch batch();
    /// All that waits goes there; here waits what comes after it. The one must be in the checkpoint before the other.
    [[nodiscard]] PendingImages split();

    /// Nothing was added since the checkpoint, or the split.
    [[nodiscard]] bool empty() const { return !taken_; }
    [[nodiscard]] std::uint64_t transactions() const { return transactions_; }
    [[nodiscard]] std::uint64_t log_bytes() const { return log_bytes_; }
    [[nodiscard]] std::uint64_t bytes() const { return nodes_.bytes() + bytes_; }  // of memory, about
    [[nodiscard]] Zxid zxid() const { return zxid_; }

private:
    /// No node from `next_node_before` on was there before.
    PendingImages(Zxid before, NodeId next_node_before) : zxid_(before), nodes_(next_node_before) {}
    static constexpr NodeId kUnknown{~std::uint64_t{0}};

    void add_session(const wire::SessionImage& image);
    void add_acl(wire::AclImage image);

    Zxid zxid_;
    std::uint64_t digest_ = 0;
    NodeId next_node_{};
    PendingNodes nodes_;
    std::map<std::uint64_t, std::optional<std::int32_t>> sessions_;
    std::map<wire::AclId, std::optional<std::string>> acls_;

    bool taken_ = false;
    std::uint64_t transactions_ = 0;
    std::uint64_t log_bytes_ = 0;
    std::uint64_t bytes_ = 0;  // of sessions and ACL lists

    // What batch() shows.
    std::vector<const wire::NodeImage*> nodes_in_order_;
    std::vector<wire::SessionImage> sessions_in_order_;
    std::vector<wire::AclImage> acls_in_order_;
};

/// What `images` takes in memory, about: the unit of the bounds.
[[nodiscard]] std::uint64_t memory_bytes(const wire::StateImages& images);

}  // namespace zabd::storage
