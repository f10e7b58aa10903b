#include "tests/sim/model.hpp"

#include "wire/acl.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::CreateMode;
using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

namespace {

std::string parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

bool version_fits(std::int32_t wanted, std::int32_t actual) { return wanted == -1 || wanted == actual; }

bool may(const Model::Node& node, std::int32_t permission) { return (node.permissions & permission) != 0; }

std::int32_t permissions_in(const std::optional<wire::AclList>& acl) {
    ZABD_ASSERT(acl && acl->size() == 1);
    return acl->front().permissions;
}

template <class Record>
Record next(wire::Decoder& in) {
    Record record{};
    wire::decode(in, record);
    ZABD_ASSERT(!in.failed());
    return record;
}

bool is_sequential(CreateMode mode) {
    return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential ||
           mode == CreateMode::kPersistentSequentialTtl;
}

Model::Kind kind_of(CreateMode mode) {
    switch (mode) {
        case CreateMode::kEphemeral:
        case CreateMode::kEphemeralSequential: return Model::Kind::kEphemeral;
        case CreateMode::kContainer: return Model::Kind::kContainer;
        case CreateMode::kPersistentTtl:
        case CreateMode::kPersistentSequentialTtl: return Model::Kind::kTtl;
        default: return Model::Kind::kPersistent;
    }
}

}  // namespace

Model::Model() {
    Node node;
    node.data = "";
    for (const auto* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) nodes_[path] = node;
    // As ZooKeeper starts: with children that nobody created.
    nodes_["/"].children = {"zookeeper"};
    nodes_["/"].stat.cversion = -1;
    nodes_["/zookeeper"].children = {"quota", "config"};
    nodes_["/zookeeper"].stat.cversion = -2;
    nodes_["/zookeeper/config"].permissions = wire::kRead;
    nodes_["/zookeeper/config"].stat.aversion = -1;
}

// --- transactions ----------------------------------------------------------------------------------------------------

Outcome Model::write(OpCode op, std::string_view body, const Place& place) {
    events_.clear();
    before_.clear();
    if (op == OpCode::kMulti) return multi(body, place);
    if (op == OpCode::kCloseSession) return close_session(place);
    wire::Decoder in(body);
    auto done = perform(op, in, place);
    if (done.error != ErrorCode::kOk) return {.error = done.error, .body = {}, .events = {}};
    return {.error = ErrorCode::kOk, .body = std::move(done.body), .events = std::move(events_)};
}

void Model::open_session(SessionId session, std::int32_t timeout_ms) {
    const bool fresh = sessions_.emplace(session, timeout_ms).second;
    ZABD_ASSERT(fresh);
}

Outcome Model::close_session(const Place& place) {
    events_.clear();
    before_.clear();
    auto paths = ephemerals_of(place.session);
    std::ranges::sort(paths);
    for (const auto& path : paths) remove_node(path, place);
    sessions_.erase(place.session);
    return {.error = ErrorCode::kOk, .body = {}, .events = std::move(events_)};
}

Outcome Model::reap(std::string_view path, const Place& place) {
    events_.clear();
    before_.clear();
    const auto* node = find(path);
    if (!node) return {.error = ErrorCode::kNoNode, .body = {}, .events = {}};
    if (!node->children.empty()) return {.error = ErrorCode::kNotEmpty, .body = {}, .events = {}};
    const bool over = node->kind == Kind::kTtl && place.time_ms - node->stat.mtime > node->ttl_ms;
    if (node->kind != Kind::kContainer && !over) return {.error = ErrorCode::kBadVersion, .body = {}, .events = {}};
    remove_node(std::string(path), place);
    return {.error = ErrorCode::kOk, .body = {}, .events = std::move(events_)};
}

Model::Done Model::perform(OpCode op, wire::Decoder& in, const Place& place) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer: return create(op, next<wire::CreateRequest>(in), 0, place);
        case OpCode::kCreateTtl: {
            auto request = next<wire::CreateTtlRequest>(in);
            return create(op, {request.path, request.data, std::move(request.acl), request.mode}, request.ttl_ms,
                          place);
        }
        case OpCode::kDelete: return remove(next<wire::VersionedRequest>(in), place);
        case OpCode::kSetData: return set_data(next<wire::SetDataRequest>(in), place);
        case OpCode::kSetAcl: return set_acl(next<wire::SetAclRequest>(in));
        case OpCode::kCheck: return check(next<wire::VersionedRequest>(in));
        default: break;
    }
    fatal("an operation that the model does not know");
}

Outcome Model::multi(std::string_view body, const Place& place) {
    wire::Decoder in(body);
    std::vector<Done> done;
    std::optional<std::size_t> failed;
    for (;;) {
        const auto header = next<wire::MultiHeader>(in);
        if (header.done) break;
        done.push_back(perform(header.op, in, place));
        if (!failed && done.back().error != ErrorCode::kOk) {
            failed = done.size() - 1;
            roll_back();
        }
    }
    if (failed) roll_back();  // also what was done behind the failure, only to read on
    Outcome outcome;
    wire::Encoder out(outcome.body);
    for (std::size_t n = 0; n < done.size(); ++n) {
        if (!failed) {
            wire::encode(out, wire::MultiHeader{done[n].answered_as, false, ErrorCode::kOk});
            out.put_raw(done[n].body);
            continue;
        }
        const auto error = n < *failed    ? ErrorCode::kOk
                           : n == *failed ? done[n].error
                                          : ErrorCode::kRuntimeInconsistency;
        wire::encode(out, wire::MultiHeader{OpCode::kError, false, error});
        wire::encode(out, wire::ErrorReply{error});
    }
    wire::encode(out, wire::kMultiEnd);
    if (!failed) outcome.events = std::move(events_);
    return outcome;
}

Model::Done Model::create(OpCode op, const wire::CreateRequest& request, std::int64_t ttl_ms, const Place& place) {
    const auto parent_path = parent_of(request.path);
    const auto* parent = find(parent_path);
    if (!parent) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!may(*parent, wire::kCreate)) return {.error = ErrorCode::kNoAuth, .body = {}};
    std::string path(request.path);
    if (is_sequential(request.mode)) path += fmt::format("{:010}", parent->creations);
    if (find(path)) return {.error = ErrorCode::kNodeExists, .body = {}};
    if (parent->kind == Kind::kEphemeral) return {.error = ErrorCode::kNoChildrenForEphemerals, .body = {}};

    auto& above = change(parent_path);
    ++above.creations;
    ++above.stat.cversion;
    above.stat.pzxid = place.zxid;
    above.children.push_back(name_of(path));
    auto& node = change(path);
    node.number = ++created_;
    if (request.data) node.data = std::string(*request.data);
    node.kind = kind_of(request.mode);
    node.ttl_ms = ttl_ms;
    node.permissions = permissions_in(request.acl);
    node.stat.czxid = node.stat.mzxid = node.stat.pzxid = place.zxid;
    node.stat.ctime = node.stat.mtime = place.time_ms;
    if (node.kind == Kind::kEphemeral) {
        node.owner = place.session;
        node.stat.ephemeral_owner = static_cast<std::int64_t>(place.session);
    }
    cause(EventType::kNodeCreated, path, node);
    cause(EventType::kNodeChildrenChanged, parent_path, nodes_.at(parent_path));
    if (op == OpCode::kCreate)
        return {.error = ErrorCode::kOk, .answered_as = op, .body = wire::encoded(wire::PathReply{path})};
    return {.error = ErrorCode::kOk,
            .answered_as = OpCode::kCreate2,
            .body = wire::encoded(wire::PathStatReply{path, stat_of(node)})};
}

Model::Done Model::remove(const wire::VersionedRequest& request, const Place& place) {
    const auto* parent = find(parent_of(request.path));
    if (!parent) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!may(*parent, wire::kDelete)) return {.error = ErrorCode::kNoAuth, .body = {}};
    const auto* node = find(request.path);
    if (!node) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!version_fits(request.version, node->stat.version)) return {.error = ErrorCode::kBadVersion, .body = {}};
    if (!node->children.empty()) return {.error = ErrorCode::kNotEmpty, .body = {}};
    remove_node(std::string(request.path), place);
    return {.error = ErrorCode::kOk, .answered_as = OpCode::kDelete, .body = {}};
}

Model::Done Model::set_data(const wire::SetDataRequest& request, const Place& place) {
    const std::string path(request.path);
    const auto* before = find(path);
    if (!before) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!may(*before, wire::kWrite)) return {.error = ErrorCode::kNoAuth, .body = {}};
    if (!version_fits(request.version, before->stat.version)) return {.error = ErrorCode::kBadVersion, .body = {}};
    auto& node = change(path);
    node.data.reset();
    if (request.data) node.data = std::string(*request.data);
    ++node.stat.version;
    node.stat.mzxid = place.zxid;
    node.stat.mtime = place.time_ms;
    cause(EventType::kNodeDataChanged, path, node);
    return {.error = ErrorCode::kOk,
            .answered_as = OpCode::kSetData,
            .body = wire::encoded(wire::StatReply{stat_of(node)})};
}

Model::Done Model::set_acl(const wire::SetAclRequest& request) {
    const std::string path(request.path);
    const auto* before = find(path);
    if (!before) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!may(*before, wire::kAdmin)) return {.error = ErrorCode::kNoAuth, .body = {}};
    if (!version_fits(request.version, before->stat.aversion)) return {.error = ErrorCode::kBadVersion, .body = {}};
    auto& node = change(path);
    node.permissions = permissions_in(request.acl);
    ++node.stat.aversion;
    return {
        .error = ErrorCode::kOk, .answered_as = OpCode::kSetAcl, .body = wire::encoded(wire::StatReply{stat_of(node)})};
}

Model::Done Model::check(const wire::VersionedRequest& request) {
    const auto* node = find(request.path);
    if (!node) return {.error = ErrorCode::kNoNode, .body = {}};
    if (!may(*node, wire::kRead)) return {.error = ErrorCode::kNoAuth, .body = {}};
    if (!version_fits(request.version, node->stat.version)) return {.error = ErrorCode::kBadVersion, .body = {}};
    return {.error = ErrorCode::kOk, .answered_as = OpCode::kCheck, .body = {}};
}

void Model::remove_node(const std::string& path, const Place& place) {
    const auto parent_path = parent_of(path);
    const auto removed = change(path);
    auto& parent = change(parent_path);
    std::erase(parent.children, name_of(path));
    ++parent.stat.cversion;
    parent.stat.pzxid = place.zxid;
    cause(EventType::kNodeDeleted, path, removed);
    cause(EventType::kNodeChildrenChanged, parent_path, parent);
    nodes_.erase(path);
}

// --- how a transaction is undone -------------------------------------------------------------------------------------

Model::Node& Model::change(const std::string& path) {
    const auto found = nodes_.find(path);
    before_.emplace_back(path, found == nodes_.end() ? std::nullopt : std::optional(found->second));
    return found == nodes_.end() ? nodes_[path] : found->second;
}

void Model::roll_back() {
    for (; !before_.empty(); before_.pop_back()) {
        auto& [path, node] = before_.back();
        if (node) {
            nodes_[path] = std::move(*node);
        } else {
            nodes_.erase(path);
        }
    }
    events_.clear();
}

void Model::cause(EventType type, const std::string& path, const Node& whose) {
    events_.push_back({type, path, may(whose, wire::kRead)});
}

// --- reads -----------------------------------------------------------------------------------------------------------

const Model::Node* Model::find(std::string_view path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

wire::Stat Model::stat_of(const Node& node) const {
    auto stat = node.stat;
    stat.data_length = static_cast<std::int32_t>(node.data.value_or("").size());
    stat.num_children = static_cast<std::int32_t>(node.children.size());
    return stat;
}

std::vector<std::string> Model::ephemerals_of(SessionId session) const {
    std::vector<std::pair<std::uint64_t, std::string>> owned;
    for (const auto& [path, node] : nodes_)
        if (node.kind == Kind::kEphemeral && node.owner == session) owned.emplace_back(node.number, path);
    std::ranges::sort(owned);
    std::vector<std::string> paths;
    for (auto& [number, path] : owned) paths.push_back(std::move(path));
    return paths;
}

Outcome Model::read(OpCode op, std::string_view body, SessionId session) const {
    Outcome outcome;
    wire::Encoder out(outcome.body);
    wire::Decoder in(body);
    if (op == OpCode::kSync) {
        wire::encode(out, wire::PathReply{next<wire::NullablePathRequest>(in).path});
        return outcome;
    }
    if (op == OpCode::kGetEphemerals) {
        wire::NamesReply names;
        const auto owned = ephemerals_of(session);
        names.names.assign(owned.begin(), owned.end());
        wire::encode(out, names);
        return outcome;
    }
    if (op == OpCode::kAddWatch) {
        wire::encode(out, wire::ErrorReply{});
        return outcome;
    }
    const auto request = next<wire::ReadRequest>(in);
    const auto* node = find(request.path);
    outcome.error = !node ? ErrorCode::kNoNode : !may(*node, wire::kRead) ? ErrorCode::kNoAuth : ErrorCode::kOk;
    if (outcome.error != ErrorCode::kOk) return outcome;
    if (op == OpCode::kExists) {
        wire::encode(out, wire::StatReply{stat_of(*node)});
    } else if (op == OpCode::kGetData) {
        wire::encode(out, wire::DataReply{node->data, stat_of(*node)});
    } else {
        ZABD_ASSERT(op == OpCode::kGetChildren || op == OpCode::kGetChildren2);
        wire::encode(out, wire::NamesReply{{node->children.begin(), node->children.end()}});
        if (op == OpCode::kGetChildren2) wire::encode(out, stat_of(*node));
    }
    return outcome;
}

}  // namespace zabd::sim
