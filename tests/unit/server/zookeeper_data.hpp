// The archived data directories of Apache ZooKeeper 3.8.0, and the trees that they hold.
#pragma once

#include "server/restore.hpp"
#include "storage/recovery.hpp"
#include "wire/jute.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace zabd::server {

inline std::filesystem::path archived(const std::string& name) {
    return std::filesystem::path(ZABD_SOURCE_DIR "/tests/vectors/zookeeper-3.8-data") / name;
}

inline const nlohmann::json& archived_trees() {
    static const auto trees =
        nlohmann::json::parse(std::ifstream(ZABD_SOURCE_DIR "/tests/vectors/zookeeper-3.8-data.json"))["directories"];
    return trees;
}

inline std::uint64_t number_of(const nlohmann::json& hex) { return std::stoull(hex.get<std::string>(), nullptr, 16); }

inline std::optional<std::string> data_of(const nlohmann::json& base64) {
    if (base64.is_null()) return std::nullopt;
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char digit : base64.get<std::string>()) {
        if (digit == '=') break;
        bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(digit));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
    return bytes;
}

/// A node, whatever its number is.
struct NodeContent {
    wire::NodeRecord record;
    std::optional<std::string> data;
    wire::AclList acl;
    friend bool operator==(const NodeContent&, const NodeContent&) = default;
};
using TreeContent = std::map<std::string, NodeContent>;
using SessionContent = std::map<SessionId, Millis>;

inline TreeContent tree_of(const nlohmann::json& directory) {
    TreeContent tree;
    for (const auto& node : directory["nodes"]) {
        const auto& stat = node["persisted"];
        const auto zxid = [&](const char* name) { return Zxid{stat[name].get<std::uint64_t>()}; };
        NodeContent content;
        content.record.czxid = zxid("czxid");
        content.record.mzxid = zxid("mzxid");
        content.record.pzxid = zxid("pzxid");
        content.record.ctime_ms = stat["ctime"];
        content.record.mtime_ms = stat["mtime"];
        content.record.version = stat["version"];
        content.record.creations = stat["cversion"];
        content.record.aversion = stat["aversion"];
        content.record.owner =
            static_cast<std::int64_t>(stat["ephemeralOwner"].is_number_unsigned()
                                          ? stat["ephemeralOwner"].get<std::uint64_t>()
                                          : static_cast<std::uint64_t>(stat["ephemeralOwner"].get<std::int64_t>()));
        content.data = data_of(node["data"]);
        for (const auto& entry : node["acl"])
            content.acl.push_back({entry["perms"].get<std::int32_t>(), {entry["scheme"], entry["id"]}});
        const std::string path = node["path"];
        if (path != "/") content.record.name = path.substr(path.rfind('/') + 1);
        tree[path] = std::move(content);
    }
    return tree;
}

inline SessionContent sessions_of(const nlohmann::json& directory) {
    SessionContent sessions;
    for (const auto& [id, timeout_ms] : directory["sessions"].items())
        sessions[SessionId{static_cast<std::int64_t>(number_of(id))}] = Millis(timeout_ms.get<std::int64_t>());
    return sessions;
}

inline TreeContent content_of(const znode::State& state) {
    TreeContent content;
    const auto& tree = state.tree;
    tree.for_each_in_subtree(*tree.find("/"), [&](const znode::Node& node) {
        auto record = tree.record_of(node);
        record.id = record.parent = NodeId::kNone;
        record.acl = wire::AclId::kOpen;
        const auto data = node.data.nullable_view();
        content[tree.path_of(node)] = {std::move(record), data ? std::optional(std::string(*data)) : std::nullopt,
                                       state.acls.list(node.acl)};
    });
    return content;
}

/// What a server would begin with.
struct Opened {
    core::Recovered recovered;
    storage::StoredHardState hard_state;
    std::vector<storage::LogRecord> records;
};
inline Result<Opened> opened(const std::filesystem::path& directory) {
    Restorer restorer;
    Opened found;
    const auto on_state = [&](const storage::Found& state, storage::Checkpoint&) -> Result<void> {
        auto recovered = restorer.finish(state.checkpoint);
        if (!recovered) return std::unexpected(recovered.error());
        found.recovered = std::move(*recovered);
        found.hard_state = state.hard_state;
        return {};
    };
    const auto storage = storage::open_storage(
        {.data_root = directory, .log_root = {}},
        {.state = restorer.visitor(), .on_state = on_state, .on_record = [&](storage::LogRecord record) {
             found.records.push_back(std::move(record));
         }});
    if (!storage) return std::unexpected(storage.error());
    return found;
}

}  // namespace zabd::server
