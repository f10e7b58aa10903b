#include "server/core/reads.hpp"

#include "wire/acl.hpp"
#include "wire/assert.hpp"
#include "znode/acl_rules.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zabd::core {
namespace {

using wire::ErrorCode;
using wire::OpCode;
using znode::Node;
using znode::WatchKind;

bool may(const ReadContext& context, const Node& node, std::int32_t permissions) {
    if (!context.check_acls || node.acl == znode::AclId::kOpen) return true;
    return znode::allowed(context.state.acls.list(node.acl), permissions, context.client.identities);
}

void add_watch(const ReadContext& context, std::string_view path, WatchKind kind) {
    context.watches.add({.path = path, .connection = context.client.id, .kind = kind});
}

bool room_for_watches(const ReadContext& context, std::size_t more = 1) {
    return context.watches.count_of(context.client.id) + more <= context.watches_max;
}

std::vector<wire::Text> child_names(const ReadContext& context, const Node& node) {
    std::vector<wire::Text> names;
    names.reserve(node.child_count);
    context.state.tree.for_each_child(node, [&](const Node& child) { names.push_back(child.name()); });
    return names;
}

/// The node at `path` if the client may read it; else the error of the two checks.
struct Readable {
    const Node* node = nullptr;
    ErrorCode error = ErrorCode::kOk;
};

Readable readable(const ReadContext& context, std::string_view path, std::int32_t permissions = wire::kRead) {
    const auto* node = context.state.tree.find(path);
    if (!node) return {nullptr, ErrorCode::kNoNode};
    if (!may(context, *node, permissions)) return {nullptr, ErrorCode::kNoAuth};
    return {node, ErrorCode::kOk};
}

ErrorCode exists(const ReadContext& context, const wire::ReadRequest& request, wire::Encoder& out) {
    if (request.path.find('\0') != std::string_view::npos) return ErrorCode::kBadArguments;
    const auto found = readable(context, request.path);
    if (found.error == ErrorCode::kNoAuth) return found.error;
    if (request.watch && !room_for_watches(context)) return ErrorCode::kSystemError;
    if (request.watch) add_watch(context, request.path, WatchKind::kData);  // on a missing node too
    if (found.node) wire::encode(out, wire::StatReply{znode::stat_of(*found.node)});
    return found.error;
}

ErrorCode get_data(const ReadContext& context, const wire::ReadRequest& request, wire::Encoder& out) {
    const auto found = readable(context, request.path);
    if (!found.node) return found.error;
    if (request.watch && !room_for_watches(context)) return ErrorCode::kSystemError;
    if (request.watch) add_watch(context, request.path, WatchKind::kData);
    wire::encode(out, wire::DataReply{found.node->data.nullable_view(), znode::stat_of(*found.node)});
    return ErrorCode::kOk;
}

ErrorCode get_children(const ReadContext& context, const wire::ReadRequest& request, bool with_stat,
                       wire::Encoder& out) {
    const auto found = readable(context, request.path);
    if (!found.node) return found.error;
    if (request.watch && !room_for_watches(context)) return ErrorCode::kSystemError;
    if (request.watch) add_watch(context, request.path, WatchKind::kChild);
    wire::encode(out, wire::NamesReply{child_names(context, *found.node)});
    if (with_stat) wire::encode(out, znode::stat_of(*found.node));
    return ErrorCode::kOk;
}

ErrorCode get_acl(const ReadContext& context, const wire::PathRequest& request, wire::Encoder& out) {
    const auto found = readable(context, request.path, wire::kRead | wire::kAdmin);
    if (!found.node) return found.error;
    const auto& list = context.state.acls.list(found.node->acl);
    const bool whole = may(context, *found.node, wire::kAdmin);
    wire::encode(out, wire::AclReply{whole ? list : znode::redacted(list), znode::stat_of(*found.node)});
    return ErrorCode::kOk;
}

ErrorCode get_all_children_number(const ReadContext& context, const wire::PathRequest& request, wire::Encoder& out) {
    const auto found = readable(context, request.path);
    if (!found.node) return found.error;
    const auto count = context.state.tree.descendant_count(*found.node);
    wire::encode(out, wire::CountReply{static_cast<std::int32_t>(count)});
    return ErrorCode::kOk;
}

ErrorCode get_ephemerals(const ReadContext& context, const wire::NullablePathRequest& request, wire::Encoder& out) {
    const auto prefix = request.path.value_or("");
    const bool all = prefix == "/" || std::ranges::all_of(prefix, [](char c) { return c > '\0' && c <= ' '; });
    const auto owned = context.state.tree.ephemerals_of(context.client.session);
    wire::NamesReply reply;
    for (const auto& path : owned)
        if (all || path.starts_with(prefix)) reply.names.push_back(path);
    wire::encode(out, reply);
    return ErrorCode::kOk;
}

ErrorCode who_am_i(const ReadContext& context, wire::Encoder& out) {
    wire::WhoAmIReply reply;
    for (const auto& identity : context.client.identities) {
        const std::string_view id = identity.id;
        reply.identities.push_back({identity.scheme, identity.scheme == "digest" ? id.substr(0, id.find(':')) : id});
    }
    wire::encode(out, reply);
    return ErrorCode::kOk;
}

ErrorCode add_persistent_watch(const ReadContext& context, const wire::AddWatchRequest& request, wire::Encoder& out) {
    if (!room_for_watches(context)) return ErrorCode::kSystemError;
    switch (request.mode) {
        case wire::AddWatchMode::kPersistent: add_watch(context, request.path, WatchKind::kPersistent); break;
        case wire::AddWatchMode::kPersistentRecursive:
            add_watch(context, request.path, WatchKind::kPersistentRecursive);
            break;
        default: return ErrorCode::kMarshallingError;
    }
    wire::encode(out, wire::ErrorReply{});
    return ErrorCode::kOk;
}

bool known(wire::WatcherType type) {
    return type >= wire::WatcherType::kChildren && type <= wire::WatcherType::kPersistentRecursive;
}

ErrorCode check_watches(const ReadContext& context, const wire::WatchesRequest& request) {
    if (!known(request.type)) return ErrorCode::kMarshallingError;
    const bool there = context.watches.has(request.path, context.client.id, request.type);
    return there ? ErrorCode::kOk : ErrorCode::kNoWatcher;
}

ErrorCode remove_watches(const ReadContext& context, const wire::WatchesRequest& request) {
    if (!known(request.type)) return ErrorCode::kMarshallingError;
    const bool was_there = context.watches.remove(request.path, context.client.id, request.type);
    return was_there ? ErrorCode::kOk : ErrorCode::kNoWatcher;
}

struct ReadOperation {
    OpCode op;
    wire::ReadRequest request;
};

/// nullopt: the bytes do not decode, or reads and writes are mixed. Empty with `writes` set: all are writes.
std::optional<std::vector<ReadOperation>> decode_multi_read(std::string_view body, bool& writes) {
    wire::Decoder in(body);
    std::vector<ReadOperation> operations;
    for (;;) {
        wire::MultiHeader header;
        wire::decode(in, header);
        if (in.failed()) return std::nullopt;
        if (header.done) return operations;
        if (header.op != OpCode::kGetData && header.op != OpCode::kGetChildren) {
            writes = operations.empty();
            return writes ? std::optional(operations) : std::nullopt;
        }
        wire::decode(in, operations.emplace_back(header.op, wire::ReadRequest{}).request);
    }
}

ReadOutcome multi_read(const ReadContext& context, std::string_view body, wire::Encoder& out) {
    std::string scratch;
    std::size_t bytes = 0;
    bool writes = false;
    const auto operations = decode_multi_read(body, writes);
    if (!operations) return {ErrorCode::kMarshallingError};
    for (auto [op, request] : *operations) {
        request.watch = false;
        scratch.clear();
        wire::Encoder result(scratch);
        const auto error =
            op == OpCode::kGetData ? get_data(context, request, result) : get_children(context, request, false, result);
        const bool ok = error == ErrorCode::kOk;
        wire::encode(out, wire::MultiHeader{ok ? op : OpCode::kError, false, error});
        if (!ok) wire::encode(result, wire::ErrorReply{error});
        out.put_raw(scratch);
        bytes += scratch.size();
        if (bytes > kMultiReadBytesMax) return {ErrorCode::kSystemError};
    }
    wire::encode(out, wire::kMultiEnd);
    return writes ? ReadOutcome{ErrorCode::kMarshallingError, true} : ReadOutcome{};
}

std::optional<wire::SetWatches2Request> decode_set_watches(OpCode op, std::string_view body) {
    if (op == OpCode::kSetWatches2) return wire::decoded<wire::SetWatches2Request>(body);
    // The older form is the newer one without its last two lists.
    auto older = wire::decoded<wire::SetWatchesRequest>(body);
    if (!older) return std::nullopt;
    return wire::SetWatches2Request{
        older->relative_zxid, std::move(older->data), std::move(older->exist), std::move(older->child), {}, {}};
}

template <class Request, class Answer>
ReadOutcome with(std::string_view body, Answer answer) {
    const auto request = wire::decoded<Request>(body);
    return {request ? answer(*request) : ErrorCode::kMarshallingError};
}

}  // namespace

bool is_read(OpCode op) {
    switch (op) {
        case OpCode::kExists:
        case OpCode::kGetData:
        case OpCode::kGetAcl:
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2:
        case OpCode::kMultiRead:
        case OpCode::kGetEphemerals:
        case OpCode::kGetAllChildrenNumber:
        case OpCode::kWhoAmI:
        case OpCode::kAddWatch:
        case OpCode::kCheckWatches:
        case OpCode::kRemoveWatches: return true;
        default: return false;
    }
}

ReadOutcome read(OpCode op, std::string_view body, const ReadContext& context, wire::Encoder& out) {
    switch (op) {
        case OpCode::kExists:
            return with<wire::ReadRequest>(body, [&](const auto& r) { return exists(context, r, out); });
        case OpCode::kGetData:
            return with<wire::ReadRequest>(body, [&](const auto& r) { return get_data(context, r, out); });
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2:
            return with<wire::ReadRequest>(
                body, [&](const auto& r) { return get_children(context, r, op == OpCode::kGetChildren2, out); });
        case OpCode::kGetAcl:
            return with<wire::PathRequest>(body, [&](const auto& r) { return get_acl(context, r, out); });
        case OpCode::kGetAllChildrenNumber:
            return with<wire::PathRequest>(body,
                                           [&](const auto& r) { return get_all_children_number(context, r, out); });
        case OpCode::kGetEphemerals:
            return with<wire::NullablePathRequest>(body,
                                                   [&](const auto& r) { return get_ephemerals(context, r, out); });
        case OpCode::kWhoAmI: return {who_am_i(context, out)};
        case OpCode::kAddWatch:
            return with<wire::AddWatchRequest>(body,
                                               [&](const auto& r) { return add_persistent_watch(context, r, out); });
        case OpCode::kCheckWatches:
            return with<wire::WatchesRequest>(body, [&](const auto& r) { return check_watches(context, r); });
        case OpCode::kRemoveWatches:
            return with<wire::WatchesRequest>(body, [&](const auto& r) { return remove_watches(context, r); });
        case OpCode::kMultiRead: return multi_read(context, body, out);
        default: break;
    }
    ZABD_ASSERT(!is_read(op));
    return {ErrorCode::kUnimplemented};
}

wire::ErrorCode set_watches(OpCode op, std::string_view body, const ReadContext& context, const EmitEvent& emit) {
    const auto request = decode_set_watches(op, body);
    if (!request) return ErrorCode::kMarshallingError;
    const auto wanted = request->data.size() + request->exist.size() + request->child.size() +
                        request->persistent.size() + request->persistent_recursive.size();
    if (!room_for_watches(context, wanted)) return ErrorCode::kSystemError;

    const auto& tree = context.state.tree;
    const auto seen = static_cast<std::int64_t>(request->relative_zxid.value);
    const auto gone_or_newer = [&](const std::vector<wire::Text>& paths, WatchKind kind, wire::EventType event,
                                   Zxid Node::*changed) {
        for (const auto path : paths) {
            const auto* node = tree.find(path);
            if (!node) {
                emit(wire::EventType::kNodeDeleted, path);
            } else if (static_cast<std::int64_t>((node->*changed).value) > seen) {
                emit(event, path);
            } else {
                add_watch(context, path, kind);
            }
        }
    };
    gone_or_newer(request->data, WatchKind::kData, wire::EventType::kNodeDataChanged, &Node::mzxid);
    for (const auto path : request->exist) {
        if (tree.find(path)) {
            emit(wire::EventType::kNodeCreated, path);
        } else {
            add_watch(context, path, WatchKind::kData);
        }
    }
    gone_or_newer(request->child, WatchKind::kChild, wire::EventType::kNodeChildrenChanged, &Node::pzxid);
    for (const auto path : request->persistent) add_watch(context, path, WatchKind::kPersistent);
    for (const auto path : request->persistent_recursive) add_watch(context, path, WatchKind::kPersistentRecursive);
    return ErrorCode::kOk;
}

}  // namespace zabd::core
