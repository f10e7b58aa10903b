#include "server/restore.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace zabd::server {

storage::CheckpointVisitor Restorer::visitor() {
    return {.on_session = [this](const wire::SessionImage& image) { return take(image); },
            .on_acl = [this](const wire::AclImage& image) { return take(image); },
            .on_node = [this](const wire::NodeRecord& record, Bytes data) { return take(record, std::move(data)); }};
}

Result<void> Restorer::take(const wire::SessionImage& image) {
    if (!image.timeout_ms) return {};
    if (sessions_.is_open(image.session)) return failure(Errc::kDamaged, "checkpoint: a session is there twice");
    sessions_.open(image.session, Millis{std::abs(*image.timeout_ms)}, *image.timeout_ms < 0);
    return {};
}

Result<void> Restorer::take(const wire::AclImage& image) {
    if (!image.encoded_list || acls_.restore(image.id, *image.encoded_list)) return {};
    return failure(Errc::kDamaged,
                   fmt::format("checkpoint: ACL list {} is none", static_cast<std::uint32_t>(image.id)));
}

Result<void> Restorer::take(const wire::NodeRecord& record, Bytes data) {
    if (!acls_.contains(record.acl)) {
        return failure(Errc::kDamaged,
                       fmt::format("checkpoint: node {} names ACL list {}, which is not there",
                                   static_cast<std::uint64_t>(record.id), static_cast<std::uint32_t>(record.acl)));
    }
    if (tree_.restore(record, std::move(data))) return {};
    return failure(Errc::kDamaged, fmt::format("checkpoint: node {} ({}) does not fit the tree",
                                               static_cast<std::uint64_t>(record.id), record.name));
}

Result<core::Recovered> Restorer::finish(const storage::CheckpointSummary& summary) {
    if (!summary.present) return core::Recovered{};
    tree_.restore_next_id(summary.next_node);
    sessions_.restore_highest(summary.highest_session);
    if (tree_.find("/") == nullptr) return failure(Errc::kDamaged, "checkpoint: the tree has no root");
    if (tree_.digest() != summary.digest) {
        return failure(Errc::kDamaged,
                       fmt::format("checkpoint: the tree's digest is {:x}, but {:x} was stored with zxid 0x{:x}",
                                   tree_.digest(), summary.digest, summary.zxid.value));
    }
    return core::Recovered{.state = znode::State(std::move(acls_), std::move(tree_)),
                           .sessions = std::move(sessions_),
                           .zxid = summary.zxid,
                           .fresh = false};
}

void Restorer::forget() {
    sessions_ = {};
    acls_ = {};
    tree_ = znode::Tree::empty();
}

}  // namespace zabd::server
