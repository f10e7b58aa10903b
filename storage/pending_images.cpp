#include "storage/pending_images.hpp"

#include "wire/assert.hpp"

#include <utility>

namespace zabd::storage {

namespace {

constexpr std::uint64_t kMapEntryBytes = 48;  // what a map takes for an entry besides its value

std::uint64_t memory_bytes(const std::optional<std::string>& encoded_list) {
    return kMapEntryBytes + sizeof(wire::AclImage) + (encoded_list ? encoded_list->size() : 0);
}

/// A batch of images may hold many transactions; what it counts for is the distance of its zxid.
std::uint64_t transactions_between(Zxid before, Zxid after) {
    const bool countable = before.epoch() == after.epoch() && after > before;
    return countable ? after.counter() - before.counter() : 1;
}

}  // namespace

void PendingImages::add(wire::StateImages images) {
    ZABD_ASSERT(images.zxid >= zxid_);
    ZABD_ASSERT(images.next_node >= next_node_);
    taken_ = true;
    transactions_ += transactions_between(zxid_, images.zxid);
    log_bytes_ += images.log_bytes;
    zxid_ = images.zxid;
    digest_ = images.digest;
    next_node_ = images.next_node;
    for (auto& image : images.nodes) nodes_.add(std::move(image));
    for (const auto& image : images.sessions) add_session(image);
    for (auto& image : images.acls) add_acl(std::move(image));
}

void PendingImages::add_session(const wire::SessionImage& image) {
    if (sessions_.insert_or_assign(static_cast<std::uint64_t>(image.session), image.timeout_ms).second)
        bytes_ += kMapEntryBytes + sizeof image;
}

void PendingImages::add_acl(wire::AclImage image) {
    const auto [entry, fresh] = acls_.try_emplace(image.id);
    if (!fresh) bytes_ -= memory_bytes(entry->second);
    entry->second = std::move(image.encoded_list);
    bytes_ += memory_bytes(entry->second);
}

CheckpointBatch PendingImages::batch() {
    nodes_in_order_ = nodes_.folded();
    sessions_in_order_.clear();
    for (const auto& [id, timeout_ms] : sessions_)
        sessions_in_order_.push_back({static_cast<SessionId>(id), timeout_ms});
    acls_in_order_.clear();
    for (const auto& [id, list] : acls_) acls_in_order_.push_back({id, list});
    return {.zxid = zxid_,
            .digest = digest_,
            .next_node = next_node_,
            .nodes = nodes_in_order_,
            .sessions = sessions_in_order_,
            .acls = acls_in_order_};
}

PendingImages PendingImages::split() {
    PendingImages after(zxid_, next_node_);
    after.digest_ = digest_;
    after.next_node_ = next_node_;
    return std::exchange(*this, std::move(after));
}

std::uint64_t memory_bytes(const wire::StateImages& images) {
    std::uint64_t bytes = sizeof images + images.sessions.size() * sizeof(wire::SessionImage);
    for (const auto& node : images.nodes) bytes += sizeof node + node.record.name.size() + node.data.size();
    for (const auto& acl : images.acls) bytes += sizeof acl + (acl.encoded_list ? acl.encoded_list->size() : 0);
    return bytes;
}

}  // namespace zabd::storage
