#include "server/core/snapshot_receiver.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "znode/path.hpp"

#include <cstdint>
#include <utility>
#include <variant>

namespace zabd::core {
namespace {

constexpr std::size_t kImagesPerOutput = 4096;

const wire::AclList& open_list() {
    static const wire::AclList list{{wire::kAllPermissions, {"world", "anyone"}}};
    return list;
}

}  // namespace

std::size_t SnapshotReceiver::feed(std::string_view bytes, Outputs& out) {
    elements_.clear();
    const auto used = decoder_.feed(bytes, elements_);
    for (auto& element : elements_) {
        const bool good = std::visit([&](auto& part) { return take(std::move(part)); }, element);
        if (!good) {
            broken_ = true;
            return used;
        }
        if (images_.nodes.size() >= kImagesPerOutput) put(out);
    }
    if (!decoder_.finished()) return used;
    broken_ = !fits();
    if (!broken_) put(out);
    return used;
}

bool SnapshotReceiver::take(wire::SnapshotSession&& session) {
    if (session.session == SessionId::kNone || session.timeout_ms <= 0 || sessions_.is_open(session.session))
        return false;
    sessions_.open(session.session, Millis(session.timeout_ms));
    images_.sessions.push_back({session.session, session.timeout_ms});
    return true;
}

/// Equal lists, which may come under several numbers, are one.
bool SnapshotReceiver::take(wire::SnapshotAcl&& acl) {
    const auto list = wire::decoded<wire::AclList>(acl.encoded_list);
    if (!list) return false;
    auto id = wire::AclId::kOpen;
    if (*list != open_list()) {
        auto encoded = wire::encoded(*list);
        const wire::AclId fresh{static_cast<std::uint32_t>(acl_of_list_.size() + 1)};
        const auto [known, added] = acl_of_list_.try_emplace(encoded, fresh);
        id = known->second;
        if (added && !acls_.restore(id, encoded)) return false;
        if (added) images_.acls.push_back({id, std::move(encoded)});
    }
    return acl_of_stream_.emplace(acl.id, id).second;
}

bool SnapshotReceiver::take(wire::SnapshotNode&& node) {
    auto record = wire::stat_of(node);
    const bool root = node.path == znode::kRootPath;
    if (!root) {
        if (node.path.empty() || node.path.front() != '/') return false;
        const auto parent_path = znode::parent_path(node.path);
        if (parent_ == NodeId::kNone || parent_path != parent_path_) {
            const auto* parent = tree_.find(parent_path);
            if (parent == nullptr) return false;
            parent_ = parent->id;
            parent_path_ = parent_path;
        }
        record.parent = parent_;
        record.name = znode::base_name(node.path);
    }
    if (node.acl != wire::kOpenAclOfStream) {
        const auto acl = acl_of_stream_.find(node.acl);
        if (acl == acl_of_stream_.end()) return false;
        record.acl = acl->second;
    }
    record.id = node_next_;
    if (!tree_.restore(record, node.data)) return false;
    node_next_ = NodeId{static_cast<std::uint64_t>(node_next_) + 1};
    images_.nodes.push_back({.record = std::move(record), .data_changed = true, .data = std::move(node.data)});
    return true;
}

bool SnapshotReceiver::fits() const {
    bool fits = tree_.find(znode::kRootPath) != nullptr;
    tree_.for_each_ephemeral_owner([&](SessionId owner) { fits = fits && sessions_.is_open(owner); });
    return fits;
}

void SnapshotReceiver::put(Outputs& out) {
    images_.zxid = zxid_;
    images_.digest = tree_.digest();
    images_.next_node = node_next_;
    out.items.emplace_back(PutInstall{!std::exchange(begun_, true), std::exchange(images_, {})});
}

Replacement SnapshotReceiver::take() {
    ZABD_ASSERT(whole());
    tree_.restore_next_id(node_next_);
    return {znode::State(std::move(acls_), std::move(tree_)), std::move(sessions_), zxid_};
}

}  // namespace zabd::core
