#include "znode/prepare.hpp"

#include "wire/assert.hpp"
#include "wire/requests.hpp"
#include "wire/txns.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"
#include "znode/quota.hpp"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::znode {

namespace {

using wire::AclList;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

// --- requests --------------------------------------------------------------------------------------------------------

struct Creation {
    wire::CreateRequest node;
    std::int64_t ttl_ms = 0;
};

using Request =
    std::variant<Creation, wire::VersionedRequest, wire::SetDataRequest, wire::SetAclRequest, wire::PathRequest>;

struct Operation {
    OpCode op = OpCode::kError;
    Request request;
};

bool known(CreateMode mode) { return mode >= CreateMode::kPersistent && mode <= CreateMode::kPersistentSequentialTtl; }
bool with_ttl(CreateMode mode) {
    return mode == CreateMode::kPersistentTtl || mode == CreateMode::kPersistentSequentialTtl;
}
bool sequential(CreateMode mode) {
    return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential ||
           mode == CreateMode::kPersistentSequentialTtl;
}
bool ephemeral(CreateMode mode) { return mode == CreateMode::kEphemeral || mode == CreateMode::kEphemeralSequential; }

template <class T>
T next(wire::Decoder& in) {
    T record{};
    wire::decode(in, record);
    return record;
}

Creation next_ttl_creation(wire::Decoder& in) {
    auto record = next<wire::CreateTtlRequest>(in);
    return {{record.path, record.data, std::move(record.acl), record.mode}, record.ttl_ms};
}

/// What `in` goes on with. Callers test in.failed().
Operation next_operation(OpCode op, wire::Decoder& in) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer: return {op, Creation{next<wire::CreateRequest>(in)}};
        case OpCode::kCreateTtl: return {op, next_ttl_creation(in)};
        case OpCode::kDelete:
        case OpCode::kCheck: return {op, next<wire::VersionedRequest>(in)};
        case OpCode::kSetData: return {op, next<wire::SetDataRequest>(in)};
        case OpCode::kSetAcl: return {op, next<wire::SetAclRequest>(in)};
        case OpCode::kDeleteContainer: return {op, next<wire::PathRequest>(in)};
        default: in.fail(); return {};
    }
}

bool allowed_in_multi(OpCode op) { return op != OpCode::kSetAcl && op != OpCode::kDeleteContainer; }

/// nullopt if one operation is malformed, or may not stand in a multi, or the end is missing.
std::optional<std::vector<Operation>> decode_multi(std::string_view body) {
    wire::Decoder in(body);
    std::vector<Operation> operations;
    for (;;) {
        const auto header = next<wire::MultiHeader>(in);
        if (in.failed()) return std::nullopt;
        if (header.done) return operations;
        operations.push_back(next_operation(header.op, in));
        const auto& [op, request] = operations.back();
        if (in.failed() || !allowed_in_multi(op)) return std::nullopt;
        const auto* creation = std::get_if<Creation>(&request);
        if (creation && !known(creation->node.mode)) return std::nullopt;
    }
}

template <class Record>
void put(const Record& record, std::string& bytes) {
    wire::Encoder out(bytes);
    wire::encode(out, record);
}

// --- the checks ------------------------------------------------------------------------------------------------------

bool version_matches(std::int32_t wanted, std::int32_t actual) { return wanted == -1 || wanted == actual; }

/// As ZooKeeper counts: past the highest comes the lowest.
std::int32_t successor(std::int32_t version) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(version) + 1);
}

bool open(const AclList& list) {
    return list.size() == 1 && list.front().permissions == wire::kAllPermissions && list.front().id.scheme == "world";
}

ErrorCode check_mode(OpCode op, const Creation& creation, bool extended_types) {
    const auto mode = creation.node.mode;
    if (!known(mode)) return ErrorCode::kBadArguments;
    if (with_ttl(mode) && !extended_types) return ErrorCode::kUnimplemented;
    if ((op == OpCode::kCreateTtl) != with_ttl(mode)) return ErrorCode::kBadArguments;
    if ((op == OpCode::kCreateContainer) != (mode == CreateMode::kContainer)) return ErrorCode::kBadArguments;
    if (with_ttl(mode) && (creation.ttl_ms < 1 || creation.ttl_ms > kTtlMsMax)) return ErrorCode::kBadArguments;
    return ErrorCode::kOk;
}

/// One operation after the other on one overlay. Each says its error, or enters its effect into the overlay and appends
/// the body of its transaction, whose type is the operation's.
class Checker {
public:
    Checker(const State& state, Overlay& overlay, const PrepareOptions& options, const WriteContext& context)
        : state_(state), overlay_(overlay), options_(options), context_(context) {}

    ErrorCode run(Operation& operation, std::string& body) {
        return std::visit([&](auto& request) { return prepare(operation.op, request, body); }, operation.request);
    }

private:
    ErrorCode prepare(OpCode op, Creation& creation, std::string& body);
    ErrorCode prepare(OpCode op, const wire::VersionedRequest& request, std::string& body);
    ErrorCode prepare(OpCode op, const wire::SetDataRequest& request, std::string& body);
    ErrorCode prepare(OpCode op, const wire::SetAclRequest& request, std::string& body);
    ErrorCode prepare(OpCode op, const wire::PathRequest& request, std::string& body);
    ErrorCode prepare_delete(const wire::VersionedRequest& request, std::string& body);
    ErrorCode prepare_check(const wire::VersionedRequest& request, std::string& body);

    [[nodiscard]] ErrorCode check_place(const PendingNode& parent, const HashedPath& path, const Creation& creation);
    [[nodiscard]] std::int64_t owner_of(const Creation& creation) const;
    [[nodiscard]] bool may(std::int32_t permission, const PendingNode& node);
    [[nodiscard]] bool over_quota(std::string_view path, QuotaDelta delta) const;
    [[nodiscard]] bool ttl_over(const PendingNode& node) const;
    [[nodiscard]] std::int64_t time_ms() const { return static_cast<std::int64_t>(context_.time); }

    const State& state_;
    Overlay& overlay_;
    const PrepareOptions& options_;
    const WriteContext& context_;

    /// Of long lists, by list and permission: a multi may ask for one of them thousands of times.
    struct Verdict {
        bool allowed = false;
        std::shared_ptr<const AclList> list;  // so that the key stays its own
    };
    std::map<std::pair<const AclList*, std::int32_t>, Verdict> verdicts_;
};

ErrorCode Checker::prepare(OpCode op, Creation& creation, std::string& body) {
    const auto& request = creation.node;
    if (const auto error = check_mode(op, creation, options_.extended_types); error != ErrorCode::kOk) return error;
    if (!loosely_valid_path(request.path)) return ErrorCode::kBadArguments;
    HashedPath path(request.path);
    state_.tree.prefetch(path);
    auto acl = fixed_up(std::move(creation.node.acl), context_.identities);
    if (!acl) return ErrorCode::kInvalidAcl;
    const HashedPath parent_at(parent_path(request.path));
    auto parent = overlay_.find(parent_at);
    if (!parent) return ErrorCode::kNoNode;
    if (!may(wire::kCreate, *parent)) return ErrorCode::kNoAuth;
    std::string numbered;
    if (sequential(request.mode)) {
        numbered.append(request.path).append(sequence_suffix(parent->creations));
        path = HashedPath(numbered);
    }
    if (const auto error = check_place(*parent, path, creation); error != ErrorCode::kOk) return error;

    const auto creations = successor(parent->creations);
    if (op == OpCode::kCreateContainer) {
        put(wire::CreateContainerTxn{path.path, request.data, *acl, creations}, body);
    } else if (op == OpCode::kCreateTtl) {
        put(wire::CreateTtlTxn{path.path, request.data, *acl, creations, creation.ttl_ms}, body);
    } else {
        put(wire::CreateTxn{path.path, request.data, *acl, ephemeral(request.mode), creations}, body);
    }
    PendingNode node;
    node.exists = true;
    node.owner = owner_of(creation);
    node.data_bytes = static_cast<std::int64_t>(request.data.value_or("").size());
    node.mtime_ms = time_ms();
    if (!open(*acl)) node.acl_in_flight = std::make_shared<const AclList>(std::move(*acl));
    overlay_.create(path, std::move(node), parent_at, std::move(*parent));
    return ErrorCode::kOk;
}

ErrorCode Checker::check_place(const PendingNode& parent, const HashedPath& path, const Creation& creation) {
    if (!valid_path(path.path)) return ErrorCode::kBadArguments;
    if (overlay_.find(path)) return ErrorCode::kNodeExists;
    if (kind_of(parent.owner) == Kind::kEphemeral) return ErrorCode::kNoChildrenForEphemerals;
    const auto bytes = static_cast<std::int64_t>(creation.node.data.value_or("").size());
    if (over_quota(path.path, {.count = 1, .bytes = bytes})) return ErrorCode::kQuotaExceeded;
    const bool too_many =
        ephemeral(creation.node.mode) &&
        overlay_.ephemeral_bytes_of(context_.session) + path.path.size() > options_.ephemeral_bytes_per_session_max;
    return too_many ? ErrorCode::kSystemError : ErrorCode::kOk;
}

ErrorCode Checker::prepare(OpCode op, const wire::VersionedRequest& request, std::string& body) {
    return op == OpCode::kDelete ? prepare_delete(request, body) : prepare_check(request, body);
}

ErrorCode Checker::prepare_delete(const wire::VersionedRequest& request, std::string& body) {
    if (!loosely_valid_path(request.path) || special_path(request.path)) return ErrorCode::kBadArguments;
    const auto parent = overlay_.find(parent_path(request.path));
    if (!parent) return ErrorCode::kNoNode;
    if (!may(wire::kDelete, *parent)) return ErrorCode::kNoAuth;
    auto node = overlay_.find(request.path);
    if (!node) return ErrorCode::kNoNode;
    if (!version_matches(request.version, node->version)) return ErrorCode::kBadVersion;
    if (node->child_count > 0) return ErrorCode::kNotEmpty;
    put(wire::DeleteTxn{request.path}, body);
    overlay_.remove(request.path, std::move(*node));
    return ErrorCode::kOk;
}

ErrorCode Checker::prepare_check(const wire::VersionedRequest& request, std::string& body) {
    if (!valid_path(request.path)) return ErrorCode::kBadArguments;
    const auto node = overlay_.find(request.path);
    if (!node) return ErrorCode::kNoNode;
    if (!may(wire::kRead, *node)) return ErrorCode::kNoAuth;
    if (!version_matches(request.version, node->version)) return ErrorCode::kBadVersion;
    put(wire::CheckTxn{request.path, request.version}, body);
    return ErrorCode::kOk;
}

ErrorCode Checker::prepare(OpCode, const wire::SetDataRequest& request, std::string& body) {
    if (!valid_path(request.path)) return ErrorCode::kBadArguments;
    const HashedPath path(request.path);
    auto node = overlay_.find(path);
    if (!node) return ErrorCode::kNoNode;
    if (!may(wire::kWrite, *node)) return ErrorCode::kNoAuth;
    const auto bytes = static_cast<std::int64_t>(request.data.value_or("").size());
    if (over_quota(request.path, {.bytes = bytes - node->data_bytes})) return ErrorCode::kQuotaExceeded;
    if (!version_matches(request.version, node->version)) return ErrorCode::kBadVersion;
    node->version = successor(node->version);
    node->data_bytes = bytes;
    node->mtime_ms = time_ms();
    put(wire::SetDataTxn{request.path, request.data, node->version}, body);
    overlay_.change(path, std::move(*node));
    return ErrorCode::kOk;
}

ErrorCode Checker::prepare(OpCode, const wire::SetAclRequest& request, std::string& body) {
    if (!valid_path(request.path)) return ErrorCode::kBadArguments;
    auto acl = fixed_up(request.acl, context_.identities);
    if (!acl) return ErrorCode::kInvalidAcl;
    auto node = overlay_.find(request.path);
    if (!node) return ErrorCode::kNoNode;
    if (!may(wire::kAdmin, *node)) return ErrorCode::kNoAuth;
    if (!version_matches(request.version, node->aversion)) return ErrorCode::kBadVersion;
    node->aversion = successor(node->aversion);
    put(wire::SetAclTxn{request.path, *acl, node->aversion}, body);
    node->acl_in_flight = std::make_shared<const AclList>(std::move(*acl));
    overlay_.change(request.path, std::move(*node));
    return ErrorCode::kOk;
}

/// The reaper chose the node by the tree, so what is in flight may have saved it since.
ErrorCode Checker::prepare(OpCode, const wire::PathRequest& request, std::string& body) {
    if (!loosely_valid_path(request.path) || special_path(request.path)) return ErrorCode::kBadArguments;
    auto node = overlay_.find(request.path);
    if (!node) return ErrorCode::kNoNode;
    if (node->child_count > 0) return ErrorCode::kNotEmpty;
    const auto kind = kind_of(node->owner);
    const bool reapable = kind == Kind::kContainer || (kind == Kind::kTtl && ttl_over(*node));
    if (!reapable) return ErrorCode::kBadVersion;
    put(wire::DeleteTxn{request.path}, body);
    overlay_.remove(request.path, std::move(*node));
    return ErrorCode::kOk;
}

std::int64_t Checker::owner_of(const Creation& creation) const {
    if (ephemeral(creation.node.mode)) return static_cast<std::int64_t>(context_.session);
    if (creation.node.mode == CreateMode::kContainer) return kContainerOwner;
    return with_ttl(creation.node.mode) ? ttl_owner(creation.ttl_ms) : kPersistentOwner;
}

bool Checker::may(std::int32_t permission, const PendingNode& node) {
    constexpr std::size_t kLong = 32;
    if (!options_.check_acls) return true;
    const auto& list = overlay_.acl_of(node);
    if (list.size() < kLong) return allowed(list, permission, context_.identities);
    const auto [verdict, first] = verdicts_.try_emplace({&list, permission});
    if (first) verdict->second = {allowed(list, permission, context_.identities), node.acl_in_flight};
    return verdict->second.allowed;
}

bool Checker::over_quota(std::string_view path, QuotaDelta delta) const {
    return options_.enforce_quota && exceeds_hard_quota(state_.tree, state_.quotas, path, delta);
}

bool Checker::ttl_over(const PendingNode& node) const { return time_ms() - node.mtime_ms > ttl_of(node.owner); }

// --- transactions ----------------------------------------------------------------------------------------------------

void put_header(OpCode type, const WriteContext& context, std::string& txn) {
    const auto time_ms = static_cast<std::int64_t>(context.time);
    put(wire::TxnHeader{context.session, context.xid, context.zxid, time_ms, type}, txn);
}

/// A single operation's transaction body.
ErrorCode put_operation(Checker& checker, OpCode op, std::string_view request, std::string& txn) {
    wire::Decoder in(request);
    auto operation = next_operation(op, in);
    return in.failed() ? ErrorCode::kMarshallingError : checker.run(operation, txn);
}

/// All operations are errors, so that nothing applies: those before the failed one are told 0.
void put_failed_multi(std::size_t operations, std::size_t failed, ErrorCode error, std::string& txn) {
    const auto before = wire::encoded(wire::ErrorTxn{ErrorCode::kOk});
    const auto at = wire::encoded(wire::ErrorTxn{error});
    const auto behind = wire::encoded(wire::ErrorTxn{ErrorCode::kRuntimeInconsistency});
    wire::MultiTxn multi;
    for (std::size_t i = 0; i < operations; ++i)
        multi.operations.push_back({OpCode::kError, i < failed ? before : i == failed ? at : behind});
    put(multi, txn);
}

/// A multi's transaction body. An error is one of the whole; the failure of an operation is told inside the body, and
/// the overlay rolled back.
ErrorCode put_multi(Checker& checker, Overlay& overlay, std::size_t bytes_max, std::string_view request,
                    std::string& txn) {
    auto operations = decode_multi(request);
    if (!operations) return ErrorCode::kMarshallingError;
    std::string bodies;
    std::vector<std::size_t> ends;
    for (auto& operation : *operations) {
        if (const auto error = checker.run(operation, bodies); error != ErrorCode::kOk) {
            overlay.rollback();
            put_failed_multi(operations->size(), ends.size(), error, txn);
            return ErrorCode::kOk;
        }
        ends.push_back(bodies.size());
        if (bodies.size() > bytes_max) return ErrorCode::kMarshallingError;
    }
    wire::MultiTxn multi;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); begin = ends[i++])
        multi.operations.push_back({(*operations)[i].op, std::string_view(bodies).substr(begin, ends[i] - begin)});
    put(multi, txn);
    return ErrorCode::kOk;
}

}  // namespace

void Preparer::prepare(OpCode op, std::string_view body, const WriteContext& context, std::string& txn) {
    const auto begin = txn.size();
    put_header(op, context, txn);
    overlay_.begin(context.zxid);
    Checker checker(state_, overlay_, options_, context);
    auto error = op == OpCode::kMulti ? put_multi(checker, overlay_, options_.txn_bytes_max, body, txn)
                                      : put_operation(checker, op, body, txn);
    if (txn.size() - begin > options_.txn_bytes_max) error = ErrorCode::kMarshallingError;
    if (error == ErrorCode::kOk) return overlay_.commit();
    overlay_.rollback();
    txn.resize(begin);
    prepare_error(error, context, txn);
}

void Preparer::prepare_error(ErrorCode error, const WriteContext& context, std::string& txn) {
    put_header(OpCode::kError, context, txn);
    put(wire::ErrorTxn{error}, txn);
}

void Preparer::prepare_create_session(std::int32_t timeout_ms, const WriteContext& context, std::string& txn) {
    put_header(OpCode::kCreateSession, context, txn);
    put(wire::CreateSessionTxn{timeout_ms}, txn);
}

void Preparer::prepare_close_session(const WriteContext& context, std::string& txn) {
    const auto paths = overlay_.ephemerals_of(context.session);
    overlay_.begin(context.zxid);
    for (const auto& path : paths) {
        auto node = overlay_.find(path);
        ZABD_ASSERT(node.has_value());
        overlay_.remove(path, std::move(*node));
    }
    overlay_.commit();
    put_header(OpCode::kCloseSession, context, txn);
    put(wire::CloseSessionTxn{{paths.begin(), paths.end()}}, txn);
}

}  // namespace zabd::znode
