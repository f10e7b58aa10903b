#include "server/admin/tree.hpp"

#include "server/admin/ask.hpp"
#include "server/admin/body.hpp"
#include "server/admin/reply.hpp"
#include "znode/path.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t kDataShownDefault = 64 << 10;
constexpr std::int64_t kDataShownMax = 64 << 20;  // above what a node can hold, unless jute.maxbuffer is set so

struct Wanted {
    std::string path;
    Format format = Format::kAuto;
    std::size_t data_max = 0;
    std::size_t limit = 0;
    std::string cursor{};
};

Wanted wanted_of(const Call& call) {
    Parameters parameters(call.request);
    Wanted wanted{.path = znode_path(call)};
    const auto format = format_of(parameters.text("format").value_or("auto"));
    if (!format) throw BadRequest{"the parameter format is not auto, text, json, hex or base64"};
    wanted.format = *format;
    wanted.data_max =
        static_cast<std::size_t>(parameters.number("data_max", 0, kDataShownMax).value_or(kDataShownDefault));
    wanted.limit = static_cast<std::size_t>(parameters.number("limit", 1, kPageMax).value_or(kPageDefault));
    wanted.cursor = given_cursor(parameters.text("cursor").value_or(""));
    for (const auto* other : {"recursive", "search", "size"}) static_cast<void>(parameters.flag(other));
    parameters.finish();
    return wanted;
}

json json_of_node(const core::NodeView& node, const Wanted& wanted) {
    json object{{"path", node.path}, {"name", node.path == "/" ? "/" : znode::base_name(node.path)}};
    put_kind(object, node);
    object["stat"] = node.readable ? json_of(node.stat) : json(nullptr);
    object["readable"] = node.readable;
    object["data"] = nullptr;
    if (node.readable && !node.data.null())
        object["data"] = json_of(shown(node.data.view(), wanted.format, wanted.data_max));
    object["acl"] = json_of(node.acl);
    return object;
}

asio::awaitable<net::HttpResponse> show(TreeReader reader, Wanted wanted) {
    const auto [error, node] = co_await reader.node(wanted.path);
    if (error != wire::ErrorCode::kOk && error != wire::ErrorCode::kNoAuth) co_return error_reply(error, wanted.path);
    auto object = json_of_node(node, wanted);
    auto items = json::array();
    std::size_t total = 0;
    auto cursor = node.readable ? wanted.cursor : "";
    bool more = node.readable;
    while (more) {
        core::WalkQuery query{.below = wanted.path, .cursor = cursor};
        query.nodes_max = std::min(kSliceNodes, wanted.limit - items.size());
        const auto slice = co_await reader.walk(std::move(query));
        if (slice.error != wire::ErrorCode::kOk) co_return error_reply(slice.error, wanted.path);
        for (const auto& child : slice.nodes) items.push_back(item_of(child));
        total = slice.total;
        cursor = slice.next;
        more = !cursor.empty() && items.size() < wanted.limit;
    }
    object["children"] = {{"total", total}, {"items", std::move(items)}, {"next", shown_cursor(cursor)}};
    co_return json_reply(object);
}

asio::awaitable<net::HttpResponse> get_tree(Services& services, Call call) {
    try {
        TreeReader reader(services.desk, call.caller);
        Parameters parameters(call.request);
        const bool recursive = parameters.flag("recursive");
        const bool size = parameters.flag("size");
        const bool search = parameters.text("search").has_value();
        if (recursive + size + search > 1) throw BadRequest{"recursive, search and size exclude each other"};
        if (recursive) co_return co_await stream_tree(std::move(reader), std::move(call));
        if (search) co_return co_await search_tree(std::move(reader), std::move(call));
        if (size) co_return co_await size_of_tree(std::move(reader), std::move(call));
        co_return co_await show(std::move(reader), wanted_of(call));
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

}  // namespace

asio::awaitable<core::NodeAnswer> TreeReader::node(std::string path) const {
    auto question = [who = who_, path = std::move(path)](Inside& inside) { return inside.core().node(path, *who); };
    co_return co_await ask(desk_, std::move(question));
}

asio::awaitable<core::WalkAnswer> TreeReader::walk(core::WalkQuery query) const {
    auto question = [who = who_, query = std::move(query)](Inside& inside) { return inside.core().walk(query, *who); };
    co_return co_await ask(desk_, std::move(question));
}

std::string znode_path(const Call& call) { return call.rest.empty() ? "/" : call.rest; }

json shown_cursor(const std::string& cursor) {
    return cursor.empty() ? json(nullptr) : json(shown(cursor, Format::kHex, cursor.size()).value);
}

std::string given_cursor(std::string_view shown) {
    auto cursor = bytes_of(shown, Format::kHex);
    if (!cursor) throw BadRequest{"the parameter cursor is not what was given as next"};
    return std::move(*cursor);
}

std::string_view name_of(znode::Kind kind) {
    switch (kind) {
        case znode::Kind::kPersistent: break;
        case znode::Kind::kEphemeral: return "ephemeral";
        case znode::Kind::kContainer: return "container";
        case znode::Kind::kTtl: return "ttl";
    }
    return "persistent";
}

json json_of(const wire::Stat& stat) {
    return {{"czxid", hex(stat.czxid)},
            {"mzxid", hex(stat.mzxid)},
            {"pzxid", hex(stat.pzxid)},
            {"ctime_ms", stat.ctime},
            {"mtime_ms", stat.mtime},
            {"version", stat.version},
            {"cversion", stat.cversion},
            {"aversion", stat.aversion},
            {"ephemeral_owner", hex(static_cast<std::uint64_t>(stat.ephemeral_owner))},
            {"data_length", stat.data_length},
            {"num_children", stat.num_children}};
}

void put_kind(json& object, const core::NodeView& node) {
    object["kind"] = nullptr;
    object["ttl_ms"] = nullptr;
    object["session"] = nullptr;
    if (!node.readable) return;
    object["kind"] = name_of(node.kind);
    if (node.kind == znode::Kind::kTtl) object["ttl_ms"] = node.ttl_ms;
    if (node.kind == znode::Kind::kEphemeral)
        object["session"] = hex(static_cast<std::uint64_t>(node.stat.ephemeral_owner));
}

json item_of(const core::NodeView& node) {
    json item{{"name", znode::base_name(node.path)}, {"path", node.path}, {"readable", node.readable}};
    put_kind(item, node);
    const auto put = [&](const char* name, std::int64_t value) {
        item[name] = node.readable ? json(value) : json(nullptr);
    };
    put("num_children", node.stat.num_children);
    put("data_length", node.stat.data_length);
    put("version", node.stat.version);
    put("ctime_ms", node.stat.ctime);
    put("mtime_ms", node.stat.mtime);
    return item;
}

void add_tree_routes(Router& router, Services& services) {
    router.add({.method = "GET", .pattern = "/api/v1/tree*", .needs = Role::kReader, .handler = [&services](Call call) {
                    return get_tree(services, std::move(call));
                }});
    add_tree_write_routes(router, services);
}

}  // namespace zabd::server::admin
