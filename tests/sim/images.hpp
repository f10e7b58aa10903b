// A state as after-images tell it: all of it, in maps that can be compared.
#pragma once

#include "server/core/core.hpp"
#include "storage/checkpoint.hpp"
#include "storage/pending_images.hpp"
#include "wire/node_image.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace zabd::sim {

struct Images {
    storage::CheckpointSummary summary;
    std::map<NodeId, wire::NodeImage> nodes;
    std::map<std::uint64_t, std::int32_t> sessions;  // ids as unsigned; timeouts in ms
    std::map<wire::AclId, std::string> acls;

    void add(const wire::StateImages& images);
    void add(const storage::CheckpointBatch& batch);
    /// As a checkpoint is told at a start.
    Result<void> tell(const storage::CheckpointVisitor& visitor) const;
    [[nodiscard]] std::uint64_t bytes() const;

private:
    void add_node(const wire::NodeImage& image);
    void add_session(const wire::SessionImage& image);
    void add_acl(const wire::AclImage& image);
    void finish(Zxid zxid, std::uint64_t digest, NodeId next_node);
};

/// What tells the two apart, nullopt if nothing does: node by node, with data, and sessions and ACL lists.
[[nodiscard]] std::optional<std::string> difference(const Images& left, const Images& right);

/// What a core starts with, by the production code.
[[nodiscard]] Result<core::Recovered> restored(const Images& images);

}  // namespace zabd::sim
