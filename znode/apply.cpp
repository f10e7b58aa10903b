#include "znode/apply.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace zabd::znode {

namespace {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

/// The four kinds of create, which differ in the owner only.
struct CreateNode {
    OpCode type = OpCode::kCreate;
    wire::CreateTxn txn;
    std::int64_t owner = kPersistentOwner;
};

/// A closeSession without a list, as ZooKeeper wrote it before 3.6.
struct CloseUnnamed {};

using Operation = std::variant<CreateNode, wire::DeleteTxn, wire::SetDataTxn, wire::SetAclTxn, wire::CheckTxn,
                               wire::CreateSessionTxn, wire::CloseSessionTxn, CloseUnnamed, wire::ErrorTxn>;

struct TypedOperation {
    OpCode type = OpCode::kError;
    Operation operation;
};

// --- Decoding, before anything is changed ----------------------------------------------------------------------------

template <class Txn>
std::optional<Operation> decode_as(std::string_view body) {
    auto txn = wire::decoded<Txn>(body);
    return txn ? std::optional<Operation>(std::move(*txn)) : std::nullopt;
}

std::optional<Operation> decode_create(OpCode type, std::string_view body, SessionId session) {
    auto txn = wire::decoded<wire::CreateTxn>(body);
    if (!txn) return std::nullopt;
    const auto owner = txn->ephemeral ? static_cast<std::int64_t>(session) : kPersistentOwner;
    return CreateNode{type, std::move(*txn), owner};
}

std::optional<Operation> decode_create_container(std::string_view body) {
    auto txn = wire::decoded<wire::CreateContainerTxn>(body);
    if (!txn) return std::nullopt;
    return CreateNode{OpCode::kCreateContainer,
                      {txn->path, txn->data, std::move(txn->acl), false, txn->parent_creations},
                      kContainerOwner};
}

std::optional<Operation> decode_create_ttl(std::string_view body) {
    auto txn = wire::decoded<wire::CreateTtlTxn>(body);
    if (!txn || txn->ttl_ms < 1 || txn->ttl_ms > kTtlMsMax) return std::nullopt;
    return CreateNode{OpCode::kCreateTtl,
                      {txn->path, txn->data, std::move(txn->acl), false, txn->parent_creations},
                      ttl_owner(txn->ttl_ms)};
}

std::optional<Operation> decode_create_session(std::string_view body) {
    const auto txn = wire::decoded<wire::CreateSessionTxn>(body);
    return txn && txn->timeout_ms > 0 ? std::optional<Operation>(*txn) : std::nullopt;
}

/// What may stand alone or inside a multi.
std::optional<Operation> decode_operation(OpCode type, std::string_view body, SessionId session) {
    switch (type) {
        case OpCode::kCreate:
        case OpCode::kCreate2: return decode_create(type, body, session);
        case OpCode::kCreateContainer: return decode_create_container(body);
        case OpCode::kCreateTtl: return decode_create_ttl(body);
        case OpCode::kDelete:
        case OpCode::kDeleteContainer: return decode_as<wire::DeleteTxn>(body);
        case OpCode::kSetData: return decode_as<wire::SetDataTxn>(body);
        case OpCode::kSetAcl: return decode_as<wire::SetAclTxn>(body);
        case OpCode::kCheck: return decode_as<wire::CheckTxn>(body);
        case OpCode::kError: return decode_as<wire::ErrorTxn>(body);
        default: return std::nullopt;
    }
}

std::optional<Operation> decode_alone(OpCode type, std::string_view body, SessionId session) {
    switch (type) {
        case OpCode::kCreateSession: return decode_create_session(body);
        case OpCode::kCloseSession:
            if (body.empty()) return CloseUnnamed{};
            return decode_as<wire::CloseSessionTxn>(body);
        default: return decode_operation(type, body, session);
    }
}

std::optional<std::vector<TypedOperation>> decode_multi(std::string_view body, SessionId session) {
    const auto multi = wire::decoded<wire::MultiTxn>(body);
    if (!multi) return std::nullopt;
    std::vector<TypedOperation> operations;
    operations.reserve(multi->operations.size());
    for (const auto& sub : multi->operations) {
        auto operation = decode_operation(sub.type, sub.body, session);
        if (!operation) return std::nullopt;
        operations.push_back({sub.type, std::move(*operation)});
    }
    return operations;
}

// --- Applying --------------------------------------------------------------------------------------------------------

/// One transaction at work.
class Step {
public:
    Step(const wire::TxnHeader& header, State& state, Changes& changes, Fit fit)
        : header_(header), state_(state), tree_(state.tree), changes_(changes), fuzzy_(fit == Fit::kFuzzy) {
        state_.acls.release_unused(changes_.images.acls);
    }

    void perform(OpCode type, const Operation& operation) {
        auto& result = changes_.results.emplace_back();
        result.type = type;
        std::visit([&](const auto& txn) { on(txn, result); }, operation);
    }

    /// A multi with an error inside: each operation is told what became of it, and that is all.
    void refuse(const std::vector<TypedOperation>& operations) {
        auto code = ErrorCode::kOk;
        for (const auto& [type, operation] : operations) {
            const auto* error = std::get_if<wire::ErrorTxn>(&operation);
            changes_.results.emplace_back().error = error ? error->error : code;
            if (error) code = ErrorCode::kRuntimeInconsistency;
        }
    }

    void finish() {
        state_.acls.take_new(changes_.images.acls);
        changes_.images.zxid = header_.zxid;
        changes_.images.digest = tree_.digest();
        changes_.images.next_node = tree_.next_id();
    }

private:
    void on(const CreateNode& create, OperationResult& result);
    void on(const wire::DeleteTxn& txn, OperationResult&) { fuzzy_ ? remove_if_there(txn.path) : remove(txn.path); }
    void on(const wire::SetDataTxn& txn, OperationResult& result);
    void on(const wire::SetAclTxn& txn, OperationResult& result);
    void on(const wire::CheckTxn& txn, OperationResult&) { ZABD_ASSERT(fuzzy_ || tree_.find(txn.path)); }
    void on(const wire::CreateSessionTxn&, OperationResult&) {}
    void on(const wire::CloseSessionTxn& txn, OperationResult&);
    void on(const CloseUnnamed&, OperationResult&);
    void on(const wire::ErrorTxn& txn, OperationResult& result) { result.error = txn.error; }

    void remove(std::string_view path);
    void take_out(const Node& node, std::string_view path);
    [[nodiscard]] bool make_way(std::string_view path);
    void remove_if_there(std::string_view path);
    void remove_below(std::string_view path);
    void image(const Node& node) { changes_.images.nodes.push_back({.record = tree_.record_of(node), .data = {}}); }
    void image_with_data(const Node& node) {
        changes_.images.nodes.push_back({.record = tree_.record_of(node), .data_changed = true, .data = node.data});
    }
    void image_of_deletion(NodeId id) {
        auto& image = changes_.images.nodes.emplace_back();
        image.record.id = id;
        image.deleted = true;
    }
    void trigger(EventType type, std::string_view path, AclId acl) { changes_.triggers.push_back({type, path, acl}); }

    void count(std::string_view path, QuotaDelta delta);
    void quota_node_created(const QuotaNode& node);
    void quota_node_removed(const QuotaNode& node);
    void refresh_stats(std::optional<std::string_view> quota_path);

    const wire::TxnHeader& header_;
    State& state_;
    Tree& tree_;
    Changes& changes_;
    const bool fuzzy_;
};

std::int64_t data_bytes(const Node& node) { return static_cast<std::int64_t>(node.data.size()); }

void Step::on(const CreateNode& create, OperationResult& result) {
    const auto& txn = create.txn;
    if (fuzzy_ && !make_way(txn.path)) return;
    const Node& node = tree_.create({
        .path = txn.path,
        .data = Bytes::copy_of(txn.data),
        .acl = state_.acls.intern(txn.acl),
        .owner = create.owner,
        .zxid = header_.zxid,
        .time_ms = header_.time_ms,
        .parent_creations = txn.parent_creations,
        .parent_may_be_newer = fuzzy_,
    });
    result.path = txn.path;
    result.stat = stat_of(node);
    const Node& parent = tree_.at(node.parent);
    image(parent);
    image_with_data(node);
    trigger(EventType::kNodeCreated, txn.path, node.acl);
    trigger(EventType::kNodeChildrenChanged, parent_path(txn.path), parent.acl);
    count(txn.path, {.count = 1, .bytes = data_bytes(node)});
    if (const auto quota = quota_node(txn.path)) quota_node_created(*quota);
}

void Step::remove(std::string_view path) {
    const Node* node = tree_.find(path);
    ZABD_ASSERT(node);
    trigger(EventType::kNodeDeleted, path, node->acl);
    trigger(EventType::kNodeChildrenChanged, parent_path(path), tree_.at(node->parent).acl);
    take_out(*node, path);
}

void Step::take_out(const Node& node, std::string_view path) {
    const Node& parent = tree_.at(node.parent);
    const QuotaDelta usage{.count = 1, .bytes = data_bytes(node)};
    image_of_deletion(node.id);
    state_.acls.release(node.acl);
    tree_.remove(path, header_.zxid);
    image(parent);
    count(path, -usage);
    if (const auto quota = quota_node(path)) quota_node_removed(*quota);
}

void Step::on(const wire::SetDataTxn& txn, OperationResult& result) {
    if (fuzzy_ && !tree_.find(txn.path)) return;
    const auto bytes_before = tree_.approximate_bytes();
    const Node& node = tree_.set_data({
        .path = txn.path,
        .data = Bytes::copy_of(txn.data),
        .version = txn.version,
        .zxid = header_.zxid,
        .time_ms = header_.time_ms,
    });
    result.stat = stat_of(node);
    image_with_data(node);
    trigger(EventType::kNodeDataChanged, txn.path, node.acl);
    count(txn.path, {.bytes = static_cast<std::int64_t>(tree_.approximate_bytes() - bytes_before)});
}

void Step::on(const wire::SetAclTxn& txn, OperationResult& result) {
    const Node* before = tree_.find(txn.path);
    if (fuzzy_ && !before) return;
    ZABD_ASSERT(before);
    const auto acl_before = before->acl;
    const Node& node = tree_.set_acl(txn.path, state_.acls.intern(txn.acl), txn.version);
    state_.acls.release(acl_before);
    result.stat = stat_of(node);
    image(node);
}

void Step::on(const wire::CloseSessionTxn& txn, OperationResult&) {
    if (fuzzy_) {
        for (const auto path : txn.ephemerals) remove_if_there(path);
        for (const auto& path : tree_.ephemerals_of(header_.session)) take_out(*tree_.find(path), path);
        return;
    }
    ZABD_ASSERT(tree_.ephemeral_count_of(header_.session) == txn.ephemerals.size());
    for (const auto path : txn.ephemerals) {
        const Node* node = tree_.find(path);
        ZABD_ASSERT(node);
        ZABD_ASSERT(node->owner == static_cast<std::int64_t>(header_.session));
        remove(path);
    }
}

void Step::on(const CloseUnnamed&, OperationResult&) {
    changes_.paths = tree_.ephemerals_of(header_.session);
    for (const auto& path : changes_.paths) remove(path);
}

// --- On a fuzzy tree -------------------------------------------------------------------------------------------------

/// Not the root, and with a parent that can be looked up.
bool has_parent(std::string_view path) {
    return path.starts_with('/') && !path.starts_with("//") && !base_name(path).empty();
}

/// Whether the node can be created, now that nothing is in its place.
bool Step::make_way(std::string_view path) {
    if (!has_parent(path)) return false;
    const Node* parent = tree_.find(parent_path(path));
    if (!parent || kind_of(parent->owner) == Kind::kEphemeral) return false;
    if (!tree_.find(path)) return true;
    remove_below(path);
    take_out(*tree_.find(path), path);
    return true;
}

void Step::remove_if_there(std::string_view path) {
    if (!has_parent(path)) return;
    if (tree_.find(path)) {
        remove_below(path);
        return remove(path);
    }
    const auto above = parent_path(path);
    if (tree_.find(above)) image(tree_.raise_pzxid(above, header_.zxid));
}

void Step::remove_below(std::string_view path) {
    const Node* top = tree_.find(path);
    std::vector<std::string> paths;
    tree_.for_each_in_subtree(*top, [&](const Node& node) { paths.push_back(tree_.path_of(node)); });
    for (; paths.size() > 1; paths.pop_back()) take_out(*tree_.find(paths.back()), paths.back());
}

// --- Quotas ----------------------------------------------------------------------------------------------------------

void Step::count(std::string_view path, QuotaDelta delta) {
    const auto quota_path = state_.quotas.covering(path);
    if (!quota_path || delta == QuotaDelta{}) return;
    state_.quotas.charge(*quota_path, delta);
    refresh_stats(quota_path);
}

void Step::quota_node_created(const QuotaNode& node) {
    if (node.role == QuotaNode::Role::kLimits) {
        state_.quotas.add(tree_, node.quota_path);
        refresh_stats(state_.quotas.covering(parent_path(node.quota_path)));
    }
    refresh_stats(node.quota_path);
}

void Step::quota_node_removed(const QuotaNode& node) {
    if (node.role != QuotaNode::Role::kLimits) return;
    state_.quotas.remove(node.quota_path);
    refresh_stats(state_.quotas.covering(node.quota_path));
}

void Step::refresh_stats(std::optional<std::string_view> quota_path) {
    if (!quota_path) return;
    const auto path = stats_path(*quota_path);
    if (!tree_.find(path)) return;
    const auto usage = state_.quotas.usage(tree_, *quota_path);
    const auto text = usage_text(usage.count, usage.bytes);
    image_with_data(tree_.refresh_data(path, Bytes::copy_of(std::string_view(text))));
}

}  // namespace

// --- State -----------------------------------------------------------------------------------------------------------

State::State() : tree(acls.intern({{wire::kRead, {"world", "anyone"}}})) {}

State::State(AclTable acls_restored, Tree tree_restored)
    : acls(std::move(acls_restored)), tree(std::move(tree_restored)) {
    const Node* root = tree.find(kRootPath);
    ZABD_ASSERT(root);
    tree.for_each_in_subtree(*root, [&](const Node& node) { acls.add_user(node.acl); });
    const Node* quota_root = tree.find(kQuotaPath);
    if (!quota_root) return;
    tree.for_each_in_subtree(*quota_root, [&](const Node& node) {
        const auto path = tree.path_of(node);
        const auto quota = quota_node(path);
        if (quota && quota->role == QuotaNode::Role::kLimits) quotas.add(tree, quota->quota_path);
    });
}

wire::StateImages State::images() const {
    wire::StateImages images;
    images.digest = tree.digest();
    images.next_node = tree.next_id();
    images.acls = acls.images();
    const Node* root = tree.find(kRootPath);
    ZABD_ASSERT(root);
    tree.for_each_in_subtree(*root, [&](const Node& node) {
        images.nodes.push_back({.record = tree.record_of(node), .data_changed = true, .data = node.data});
    });
    std::ranges::sort(images.nodes, {}, [](const wire::NodeImage& image) { return image.record.id; });
    return images;
}

void State::check_invariants() const {
    tree.check_invariants();
    quotas.check_invariants(tree);
}

void Changes::clear() {
    images.zxid = {};
    images.digest = 0;
    images.next_node = NodeId::kRoot;
    images.nodes.clear();
    images.sessions.clear();
    images.acls.clear();
    triggers.clear();
    results.clear();
    paths.clear();
}

bool decodes(const wire::TxnHeader& header, std::string_view body) {
    if (header.type == OpCode::kMulti) return decode_multi(body, header.session).has_value();
    return decode_alone(header.type, body, header.session).has_value();
}

bool apply(const wire::TxnHeader& header, std::string_view body, State& state, Changes& changes, Fit fit) {
    changes.clear();
    if (header.type == OpCode::kMulti) {
        const auto operations = decode_multi(body, header.session);
        if (!operations) return false;
        Step step(header, state, changes, fit);
        const bool failed = std::ranges::any_of(
            *operations, [](const auto& entry) { return std::holds_alternative<wire::ErrorTxn>(entry.operation); });
        if (failed) {
            step.refuse(*operations);
        } else {
            for (const auto& [type, operation] : *operations) step.perform(type, operation);
        }
        step.finish();
        return true;
    }
    const auto operation = decode_alone(header.type, body, header.session);
    if (!operation) return false;
    Step step(header, state, changes, fit);
    step.perform(header.type, *operation);
    step.finish();
    return true;
}

}  // namespace zabd::znode
