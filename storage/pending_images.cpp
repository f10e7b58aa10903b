#include "storage/pending_images.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::storage {

namespace {

constexpr std::uint64_t kTreeNodeBytes = 48;  // of a std::map, with what the allocator adds

std::uint64_t memory_bytes(const PendingNode& node) {
    return kTreeNodeBytes + sizeof(NodeId) + sizeof(PendingNode) + (node.record ? node.record->name.size() : 0) +
           (node.data ? node.data->size() : 0);
}

/// Of sessions and ACL lists.
template <class T>
std::uint64_t small_image_bytes(const T& image) {
    return kTreeNodeBytes + sizeof image;
}

/// A batch of images may hold many transactions; what it counts for is the distance of its zxid.
std::uint64_t transactions_between(Zxid before, Zxid after) {
    const bool countable = before.epoch() == after.epoch() && after > before;
    return countable ? after.counter() - before.counter() : 1;
}

}  // namespace

void PendingImages::add(wire::StateImages images) {
    ZABD_ASSERT(images.zxid >= zxid_);
    transactions_ += transactions_between(zxid_, images.zxid);
    ++put_count_;
    zxid_ = images.zxid;
    digest_ = images.digest;
    next_node_ = images.next_node;
    for (auto& image : images.nodes) add_node(std::move(image));
    for (const auto& image : images.sessions) {
        if (sessions_.insert_or_assign(image.session, image.timeout_ms).second) bytes_ += small_image_bytes(image);
    }
    for (auto& image : images.acls) {
        bytes_ += image.encoded_list ? image.encoded_list->size() : 0;
        if (acls_.insert_or_assign(image.id, std::move(image.encoded_list)).second) bytes_ += small_image_bytes(image);
    }
}

void PendingImages::add_node(wire::NodeImage image) {
    const auto [entry, fresh] = nodes_.try_emplace(image.record.id);
    auto& node = entry->second;
    if (!fresh) bytes_ -= memory_bytes(node);
    if (image.deleted) {
        node = {};
    } else {
        node.record = std::move(image.record);
        if (image.data_changed) node.data = std::move(image.data);
    }
    bytes_ += memory_bytes(node);
}

void PendingImages::clear() {
    nodes_.clear();
    sessions_.clear();
    acls_.clear();
    put_count_ = transactions_ = bytes_ = 0;
}

std::uint64_t memory_bytes(const wire::StateImages& images) {
    std::uint64_t bytes = sizeof images + images.sessions.size() * sizeof(wire::SessionImage);
    for (const auto& node : images.nodes) bytes += sizeof node + node.record.name.size() + node.data.size();
    for (const auto& acl : images.acls) bytes += sizeof acl + (acl.encoded_list ? acl.encoded_list->size() : 0);
    return bytes;
}

}  // namespace zabd::storage
