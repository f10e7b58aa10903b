#include "server/admin/body.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/tree.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct Wanted {
    std::string path;
    bool data = false;
    bool acl = false;
    Format format = Format::kAuto;
    std::size_t data_max = 0;
};

Wanted wanted_of(const Call& call) {
    Parameters parameters(call.request);
    Wanted wanted{.path = znode_path(call)};
    wanted.data = parameters.flag("data");
    wanted.acl = parameters.flag("acl");
    const auto format = format_of(parameters.text("format").value_or("auto"));
    if (!format) throw BadRequest{"the parameter format is not auto, text, json, hex or base64"};
    wanted.format = *format;
    constexpr auto kAll = std::numeric_limits<std::int32_t>::max();
    wanted.data_max = static_cast<std::size_t>(parameters.number("data_max", 0, kAll).value_or(kAll));
    for (const auto* other : {"recursive", "size"}) static_cast<void>(parameters.flag(other));
    parameters.finish();
    return wanted;
}

void append_line(std::string& text, const core::NodeView& node, const Wanted& wanted) {
    json line{{"path", node.path}};
    put_kind(line, node);
    line["stat"] = node.readable ? json_of(node.stat) : json(nullptr);
    if (wanted.data) {
        const bool none = !node.readable || node.data.null();
        line["data"] = none ? json(nullptr) : json_of(shown(node.data.view(), wanted.format, wanted.data_max));
    }
    if (wanted.acl) line["acl"] = json_of(node.acl);
    text += line.dump(-1, ' ', false, json::error_handler_t::replace);
    text.push_back('\n');
}

/// A slice is asked for when the one before has been taken: a slow reader holds one slice, not the tree.
asio::awaitable<void> write_nodes(TreeReader reader, Wanted wanted, core::NodeView top, net::HttpStream& out) {
    std::string text;
    append_line(text, top, wanted);
    std::size_t nodes = 1;
    std::string cursor;
    do {
        core::WalkQuery query{.below = wanted.path, .deep = true, .cursor = cursor, .nodes_max = kSliceNodes};
        query.with_data = wanted.data;
        query.with_acl = wanted.acl;
        const auto slice = co_await reader.walk(std::move(query));
        if (slice.error != wire::ErrorCode::kOk) {  // it is gone, or the whole tree was replaced: without an end line
            co_await out.write(text);
            co_return;
        }
        for (const auto& node : slice.nodes) append_line(text, node, wanted);
        nodes += slice.nodes.size();
        cursor = slice.next;
        if (cursor.empty()) text += json{{"end", true}, {"nodes", nodes}}.dump() + "\n";
        if (!text.empty()) co_await out.write(text);
        text.clear();
    } while (!cursor.empty());
}

}  // namespace

asio::awaitable<net::HttpResponse> stream_tree(TreeReader reader, Call call) {
    auto wanted = wanted_of(call);
    auto top = co_await reader.node(wanted.path);
    if (top.error != wire::ErrorCode::kOk) co_return error_reply(top.error, wanted.path);
    net::HttpResponse response;
    response.content_type = "application/x-ndjson";
    response.stream = [reader, wanted = std::move(wanted), node = std::move(top.node)](net::HttpStream& out) {
        return write_nodes(reader, wanted, node, out);
    };
    co_return response;
}

}  // namespace zabd::server::admin
