#include "tests/sim/checkers/durability.hpp"

#include "wire/acl.hpp"
#include "wire/jute.hpp"
#include "znode/owner.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace zabd::sim {

namespace {

std::int64_t owner_of(const Model::Node& node) {
    switch (node.kind) {
        case Model::Kind::kEphemeral: return static_cast<std::int64_t>(node.owner);
        case Model::Kind::kContainer: return znode::kContainerOwner;
        case Model::Kind::kTtl: return znode::ttl_owner(node.ttl_ms);
        case Model::Kind::kPersistent: break;
    }
    return znode::kPersistentOwner;
}

std::int32_t permissions_of(const wire::NodeRecord& record, const Images& state) {
    if (record.acl == wire::AclId::kOpen) return wire::kAllPermissions;
    const auto list = state.acls.find(record.acl);
    if (list == state.acls.end()) return -1;
    const auto acl = wire::decoded<wire::AclList>(list->second);
    return acl && acl->size() == 1 ? acl->front().permissions : -1;
}

/// What a server knows of its ensemble it writes there itself: it is no part of the history.
constexpr std::string_view kConfig = "/zookeeper/config";

bool same(const wire::NodeImage& image, const Model::Node& node, const Images& state) {
    const auto& record = image.record;
    const auto& stat = node.stat;
    return record.czxid == stat.czxid && record.mzxid == stat.mzxid && record.pzxid == stat.pzxid &&
           record.ctime_ms == stat.ctime && record.mtime_ms == stat.mtime && record.version == stat.version &&
           record.creations == node.creations && record.aversion == stat.aversion && record.owner == owner_of(node) &&
           permissions_of(record, state) == node.permissions && image.data.nullable_view() == node.data;
}

std::optional<std::string> difference_of_sessions(const Images& state, const Model& model) {
    for (const auto& [session, timeout_ms] : model.sessions()) {
        const auto found = state.sessions.find(number(session));
        if (found == state.sessions.end() || found->second != timeout_ms)
            return fmt::format("session {:#x} is missing or has another timeout", number(session));
    }
    if (state.sessions.size() == model.sessions().size()) return std::nullopt;
    return fmt::format("{} sessions, not {}", state.sessions.size(), model.sessions().size());
}

}  // namespace

std::optional<std::string> difference(const Images& state, const Model& model) {
    std::map<NodeId, std::string> paths;
    std::map<std::string, std::vector<std::string>> children;
    for (const auto& [id, image] : state.nodes) {
        const auto& above = image.record.parent == NodeId::kNone ? std::string() : paths[image.record.parent];
        const auto path =
            image.record.parent == NodeId::kNone ? "/" : (above == "/" ? "" : above) + "/" + image.record.name;
        paths[id] = path;
        if (path != "/") children[above].push_back(image.record.name);
        const auto* node = model.find(path);
        if (!node) return fmt::format("{} should not be there", path);
        if (path != kConfig && !same(image, *node, state)) return fmt::format("{} is another one", path);
    }
    for (const auto& [path, node] : model.nodes())
        if (children[path] != node.children) return fmt::format("{} has other children", path);
    if (paths.size() != model.nodes().size())
        return fmt::format("{} nodes, not {}", paths.size(), model.nodes().size());
    return difference_of_sessions(state, model);
}

void DurabilityChecker::on_recovery(const Recovery& recovery, const Model& model) {
    if (const auto found = difference(recovery.state, model))
        violated("I-DUR", fmt::format("recovered at zxid {:#x}: {}", recovery.zxid.value, *found));
}

}  // namespace zabd::sim
