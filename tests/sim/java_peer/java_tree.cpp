#include "tests/sim/java_peer/java_tree.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace zabd::sim {

using wire::OpCode;

namespace {

std::string stored_acl(const wire::AclList& list) {
    const wire::AclList open{{wire::kAllPermissions, {"world", "anyone"}}};
    return list == open ? std::string() : wire::encoded(list);
}

}  // namespace

JavaTree::JavaTree(std::string_view config_text) {
    for (const auto path : {znode::kRootPath, znode::kSystemPath, znode::kQuotaPath})
        nodes_[std::string(path)].data = Bytes::copy_of("");
    auto& config = nodes_[std::string(znode::kConfigPath)];
    config.acl = wire::encoded(wire::AclList{{wire::kRead, {"world", "anyone"}}});
    config.data = Bytes::copy_of(config_text);
    config.stat.version = config.stat.aversion = -1;
}

void JavaTree::apply(std::string_view txn) {
    wire::Decoder in(txn);
    wire::TxnHeader header;
    wire::decode(in, header);
    apply(header, in.rest());
    last = std::max(last, header.zxid);
}

void JavaTree::apply(const wire::TxnHeader& header, std::string_view body) {
    switch (header.type) {
        case OpCode::kCreate:
        case OpCode::kCreate2: {
            const auto txn = wire::decoded<wire::CreateTxn>(body);
            const auto owner = txn->ephemeral ? static_cast<std::int64_t>(header.session) : znode::kPersistentOwner;
            return create(header, {txn->path, txn->data, txn->acl, owner, txn->parent_creations});
        }
        case OpCode::kCreateContainer: {
            const auto txn = wire::decoded<wire::CreateContainerTxn>(body);
            return create(header, {txn->path, txn->data, txn->acl, znode::kContainerOwner, txn->parent_creations});
        }
        case OpCode::kCreateTtl: {
            const auto txn = wire::decoded<wire::CreateTtlTxn>(body);
            const auto owner = znode::ttl_owner(txn->ttl_ms);
            return create(header, {txn->path, txn->data, txn->acl, owner, txn->parent_creations});
        }
        case OpCode::kDelete:
        case OpCode::kDeleteContainer: return remove(wire::decoded<wire::DeleteTxn>(body)->path, header.zxid);
        case OpCode::kSetData: return set_data(header, *wire::decoded<wire::SetDataTxn>(body));
        case OpCode::kSetAcl: {
            const auto txn = wire::decoded<wire::SetAclTxn>(body);
            const auto node = nodes_.find(txn->path);
            if (node == nodes_.end()) return;
            node->second.acl = stored_acl(txn->acl);
            node->second.stat.aversion = txn->version;
            return;
        }
        case OpCode::kMulti: return apply_multi(header, body);
        case OpCode::kCreateSession:
            sessions_[header.session] = wire::decoded<wire::CreateSessionTxn>(body)->timeout_ms;
            return;
        case OpCode::kCloseSession: return close_session(header, body);
        case OpCode::kCheck:
        case OpCode::kError: return;
        default: ZABD_ASSERT(false && "a transaction of a type that no release knows");
    }
}

void JavaTree::create(const wire::TxnHeader& header, const Creation& creation) {
    const auto parent = nodes_.find(znode::parent_path(creation.path));
    if (parent == nodes_.end()) return;
    auto& above = parent->second.stat;
    const auto creations = creation.parent_creations == -1 ? above.creations + 1 : creation.parent_creations;
    if (creations > above.creations) {
        above.creations = creations;
        above.pzxid = header.zxid;
    }
    const auto [node, fresh] = nodes_.try_emplace(std::string(creation.path));
    if (!fresh) return;
    auto& [stat, data, acl] = node->second;
    data = Bytes::copy_of(creation.data);
    acl = stored_acl(creation.acl);
    stat.czxid = stat.mzxid = stat.pzxid = header.zxid;
    stat.ctime_ms = stat.mtime_ms = header.time_ms;
    stat.owner = creation.owner;
}

void JavaTree::remove(std::string_view path, Zxid zxid) {
    const auto parent = nodes_.find(znode::parent_path(path));
    if (parent == nodes_.end()) return;
    auto& above = parent->second.stat;
    above.pzxid = std::max(above.pzxid, zxid);
    if (const auto node = nodes_.find(path); node != nodes_.end()) nodes_.erase(node);
}

void JavaTree::set_data(const wire::TxnHeader& header, const wire::SetDataTxn& txn) {
    const auto node = nodes_.find(txn.path);
    if (node == nodes_.end()) return;
    node->second.data = Bytes::copy_of(txn.data);
    auto& stat = node->second.stat;
    stat.version = txn.version;
    stat.mzxid = header.zxid;
    stat.mtime_ms = header.time_ms;
}

/// What the transaction names, and what else the session is known to own.
void JavaTree::close_session(const wire::TxnHeader& header, std::string_view body) {
    std::vector<std::string> paths;
    if (const auto txn = wire::decoded<wire::CloseSessionTxn>(body))
        paths.assign(txn->ephemerals.begin(), txn->ephemerals.end());
    for (const auto& [path, node] : nodes_)
        if (node.stat.owner == static_cast<std::int64_t>(header.session)) paths.push_back(path);
    for (const auto& path : paths) remove(path, header.zxid);
    sessions_.erase(header.session);
}

void JavaTree::apply_multi(const wire::TxnHeader& header, std::string_view body) {
    const auto multi = wire::decoded<wire::MultiTxn>(body);
    ZABD_ASSERT(multi.has_value());
    const auto failed = [](const wire::SubTxn& one) { return one.type == OpCode::kError; };
    if (std::ranges::any_of(multi->operations, failed)) return;
    for (const auto& one : multi->operations) {
        auto header_of_one = header;
        header_of_one.type = one.type;
        apply(header_of_one, one.body);
    }
}

// --- snapshots -------------------------------------------------------------------------------------------------------

void JavaTree::clear() {
    nodes_.clear();
    sessions_.clear();
    snapshot_acls_.clear();
}

void JavaTree::take(const wire::SnapshotElement& element) {
    if (const auto* session = std::get_if<wire::SnapshotSession>(&element)) {
        sessions_[session->session] = session->timeout_ms;
    } else if (const auto* acl = std::get_if<wire::SnapshotAcl>(&element)) {
        snapshot_acls_[acl->id] = acl->encoded_list;
    } else {
        const auto& node = std::get<wire::SnapshotNode>(element);
        ZABD_ASSERT(node.path == znode::kRootPath || nodes_.contains(znode::parent_path(node.path)));
        const bool open = node.acl == wire::kOpenAclOfStream;
        nodes_[node.path] = {wire::stat_of(node), node.data, open ? std::string() : snapshot_acls_.at(node.acl)};
    }
}

std::unique_ptr<znode::State> JavaTree::state() const {
    znode::AclTable acls;
    auto tree = znode::Tree::empty();
    std::map<std::string, wire::AclId> acl_ids;
    std::map<std::string, NodeId, std::less<>> ids;
    std::uint32_t acl_last = 0;
    for (const auto& [path, node] : nodes_) {
        auto acl = wire::AclId::kOpen;
        if (!node.acl.empty()) {
            const auto [known, fresh] = acl_ids.try_emplace(node.acl, wire::AclId{acl_last + 1});
            if (fresh) {
                ++acl_last;
                ZABD_ASSERT(acls.restore(known->second, node.acl));
            }
            acl = known->second;
        }
        const bool root = path == znode::kRootPath;
        const auto id = NodeId{ids.size() + 1};
        ids[path] = id;
        auto record = node.stat;
        record.id = id;
        record.parent = root ? NodeId::kNone : ids.find(znode::parent_path(path))->second;
        record.name = root ? std::string() : std::string(znode::base_name(path));
        record.acl = acl;
        ZABD_ASSERT(tree.restore(record, node.data));
    }
    tree.restore_next_id(NodeId{ids.size() + 1});
    return std::make_unique<znode::State>(std::move(acls), std::move(tree));
}

}  // namespace zabd::sim
