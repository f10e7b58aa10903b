// After-images that wait for the checkpoint, folded: of each thing only the last image is kept.
//
// Effects   none.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace zabd::storage {

struct PendingNode {
    std::optional<wire::NodeRecord> record;  // nullopt: deleted, its data too
    std::optional<Bytes> data;               // nullopt: what is stored stays
};

/// Ordered by key, as a B-tree likes it.
class PendingImages {
public:
    /// `before` is where the checkpoint stands.
    explicit PendingImages(Zxid before) : zxid_(before) {}

    void add(wire::StateImages images);
    /// They are in the checkpoint now.
    void clear();

    [[nodiscard]] bool empty() const { return put_count_ == 0; }
    [[nodiscard]] std::uint64_t transactions() const { return transactions_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of memory, about

    [[nodiscard]] Zxid zxid() const { return zxid_; }
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] NodeId next_node() const { return next_node_; }
    [[nodiscard]] const std::map<NodeId, PendingNode>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<SessionId, std::optional<std::int32_t>>& sessions() const { return sessions_; }
    [[nodiscard]] const std::map<wire::AclId, std::optional<std::string>>& acls() const { return acls_; }

private:
    void add_node(wire::NodeImage image);

    Zxid zxid_;
    std::uint64_t digest_ = 0;
    NodeId next_node_{};
    std::map<NodeId, PendingNode> nodes_;
    std::map<SessionId, std::optional<std::int32_t>> sessions_;
    std::map<wire::AclId, std::optional<std::string>> acls_;

    std::uint64_t put_count_ = 0;
    std::uint64_t transactions_ = 0;
    std::uint64_t bytes_ = 0;
};

/// What `images` takes in memory, about: the unit of the bounds.
[[nodiscard]] std::uint64_t memory_bytes(const wire::StateImages& images);

}  // namespace zabd::storage
