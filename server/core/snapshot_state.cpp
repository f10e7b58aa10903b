#include "server/core/snapshot_state.hpp"

#include "wire/jute.hpp"
#include "znode/path.hpp"

#include <utility>
#include <variant>

namespace zabd::core {
namespace {

const wire::AclList& open_list() {
    static const wire::AclList list{{wire::kAllPermissions, {"world", "anyone"}}};
    return list;
}

}  // namespace

bool SnapshotState::take(wire::SnapshotElement&& element, wire::StateImages& images) {
    return std::visit([&](auto& part) { return take(std::move(part), images); }, element);
}

bool SnapshotState::take(wire::SnapshotSession&& session, wire::StateImages& images) {
    if (session.session == SessionId::kNone || session.timeout_ms <= 0 || sessions_.is_open(session.session))
        return false;
    const bool zookeeper = has_zookeeper_password_(session.session);
    sessions_.open(session.session, Millis(session.timeout_ms), zookeeper);
    images.sessions.push_back(wire::SessionImage::open(session.session, session.timeout_ms, zookeeper));
    return true;
}

bool SnapshotState::take(wire::SnapshotAcl&& acl, wire::StateImages& images) {
    const auto list = wire::decoded<wire::AclList>(acl.encoded_list);
    if (!list) return false;
    const auto id = id_of(*list, images);
    return id && acl_of_stream_.emplace(acl.id, *id).second;
}

std::optional<wire::AclId> SnapshotState::id_of(const wire::AclList& list, wire::StateImages& images) {
    if (list == open_list()) return wire::AclId::kOpen;
    auto encoded = wire::encoded(list);
    const wire::AclId fresh{static_cast<std::uint32_t>(acl_of_list_.size() + 1)};
    const auto [known, added] = acl_of_list_.try_emplace(encoded, fresh);
    const auto id = known->second;
    if (added && !acls_.restore(id, encoded)) return std::nullopt;
    if (added) images.acls.push_back({id, std::move(encoded)});
    return id;
}

/// The lists of a fuzzy snapshot come first, so a node may name one that was made later. The transaction which made it says what
/// it is; until then nobody may do anything with the node.
std::optional<wire::AclId> SnapshotState::acl_named(std::int64_t id_of_stream, wire::StateImages& images) {
    if (id_of_stream == wire::kOpenAclOfStream) return wire::AclId::kOpen;
    const auto known = acl_of_stream_.find(id_of_stream);
    if (known != acl_of_stream_.end()) return known->second;
    if (!fuzzy_) return std::nullopt;
    return id_of({{0, {"world", "anyone"}}}, images);
}

bool SnapshotState::take(wire::SnapshotNode&& node, wire::StateImages& images) {
    auto record = wire::stat_of(node);
    if (node.path != znode::kRootPath && !place(node.path, record)) return false;
    const auto acl = acl_named(node.acl, images);
    if (!acl) return false;
    record.acl = *acl;
    record.id = node_next_;
    if (!tree_.restore(record, node.data)) return false;
    node_next_ = NodeId{static_cast<std::uint64_t>(node_next_) + 1};
    images.nodes.push_back({.record = std::move(record), .data_changed = true, .data = std::move(node.data)});
    return true;
}

bool SnapshotState::place(const std::string& path, wire::NodeRecord& record) {
    if (path.empty() || path.front() != '/') return false;
    const auto parent_path = znode::parent_path(path);
    if (parent_ == NodeId::kNone || parent_path != parent_path_) {
        const auto* parent = tree_.find(parent_path);
        if (parent == nullptr) return false;
        parent_ = parent->id;
        parent_path_ = parent_path;
    }
    record.parent = parent_;
    record.name = znode::base_name(path);
    return true;
}

SnapshotState::Whole SnapshotState::finish() {
    tree_.restore_next_id(node_next_);
    return {znode::State(std::move(acls_), std::move(tree_)), std::move(sessions_)};
}

}  // namespace zabd::core
