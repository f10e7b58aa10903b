#include "server/admin/body.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/search_pattern.hpp"
#include "server/admin/tree.hpp"
#include "znode/path.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

// Of one call: then it says how far it came.
constexpr std::size_t kScannedMax = 100'000;
constexpr std::chrono::seconds kSearchMax{2};
constexpr std::chrono::seconds kSizeMax{10};

struct Wanted {
    std::string below;
    std::string pattern{};
    Match match = Match::kSubstring;
    bool in_path = false;
    std::size_t limit = 0;
    std::string cursor{};
};

Wanted wanted_of(const Call& call) {
    Parameters parameters(call.request);
    Wanted wanted{.below = znode_path(call)};
    wanted.pattern = parameters.text("search").value_or("");
    const auto match = parameters.text("match").value_or("substring");
    if (match == "glob")
        wanted.match = Match::kGlob;
    else if (match == "regex")
        wanted.match = Match::kRegex;
    else if (match != "substring")
        throw BadRequest{"the parameter match is not substring, glob or regex"};
    const auto in = parameters.text("in").value_or("name");
    if (in != "name" && in != "path") throw BadRequest{"the parameter in is not name or path"};
    wanted.in_path = in == "path";
    wanted.limit = static_cast<std::size_t>(parameters.number("limit", 1, kPageMax).value_or(kPageDefault));
    wanted.cursor = given_cursor(parameters.text("cursor").value_or(""));
    for (const auto* other : {"recursive", "size"}) static_cast<void>(parameters.flag(other));
    parameters.finish();
    return wanted;
}

/// Places in the slice of nodes that match, at most so many.
std::vector<std::size_t> matching(const core::WalkAnswer& slice, const SearchPattern& pattern, const Wanted& wanted,
                                  std::size_t max) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < slice.nodes.size() && places.size() < max; ++i) {
        const std::string_view path = slice.nodes[i].path;
        if (pattern.matches(wanted.in_path ? path : znode::base_name(path))) places.push_back(i);
    }
    return places;
}

}  // namespace

asio::awaitable<net::HttpResponse> search_tree(TreeReader reader, Call call) {
    const auto wanted = wanted_of(call);
    const SearchPattern pattern(wanted.pattern, wanted.match);
    const auto deadline = Clock::now() + kSearchMax;
    auto matches = json::array();
    std::size_t scanned = 0;
    auto cursor = wanted.cursor;
    auto nodes_max = kSliceNodes;
    for (;;) {
        core::WalkQuery query{.below = wanted.below, .deep = true, .cursor = cursor, .nodes_max = nodes_max};
        const auto slice = co_await reader.walk(std::move(query));
        if (slice.error != wire::ErrorCode::kOk) co_return error_reply(slice.error, wanted.below);
        const auto room = wanted.limit - matches.size();
        const auto places = matching(slice, pattern, wanted, room);
        if (places.size() == room && places.back() + 1 < slice.nodes.size()) {
            nodes_max = places.back() + 1;  // the same again, so that the slice ends, and the next call begins, there
            continue;
        }
        for (const auto place : places) matches.push_back(item_of(slice.nodes[place]));
        scanned += slice.looked_at;
        cursor = slice.next;
        nodes_max = kSliceNodes;
        const bool enough = matches.size() == wanted.limit || scanned >= kScannedMax || Clock::now() >= deadline;
        if (cursor.empty() || enough) break;
    }
    json answer{
        {"below", wanted.below}, {"matches", std::move(matches)}, {"scanned", scanned}, {"next", shown_cursor(cursor)}};
    co_return json_reply(answer);
}

asio::awaitable<net::HttpResponse> size_of_tree(TreeReader reader, Call call) {
    Parameters parameters(call.request);
    for (const auto* known : {"recursive", "size"}) static_cast<void>(parameters.flag(known));
    parameters.finish();
    const auto path = znode_path(call);
    const auto top = co_await reader.node(path);
    if (top.error != wire::ErrorCode::kOk) co_return error_reply(top.error, path);
    std::size_t nodes = 0;
    std::uint64_t bytes = 0;
    std::size_t ephemerals = 0;
    bool complete = true;
    const auto count = [&](const core::NodeView& node) {
        ++nodes;
        bytes += node.path.size() + static_cast<std::uint64_t>(node.stat.data_length);
        ephemerals += node.readable && node.kind == znode::Kind::kEphemeral;
        complete = complete && node.readable;  // else its data do not count, nor what is below it
    };
    count(top.node);
    const auto deadline = Clock::now() + kSizeMax;
    std::string cursor{};
    for (;;) {
        core::WalkQuery query{.below = path, .deep = true, .cursor = cursor, .nodes_max = kSliceNodes};
        const auto slice = co_await reader.walk(std::move(query));
        if (slice.error != wire::ErrorCode::kOk) co_return error_reply(slice.error, path);
        for (const auto& node : slice.nodes) count(node);
        cursor = slice.next;
        if (cursor.empty()) break;
        if (Clock::now() < deadline) continue;
        complete = false;
        break;
    }
    const json answer{
        {"path", path}, {"nodes", nodes}, {"bytes", bytes}, {"ephemerals", ephemerals}, {"complete", complete}};
    co_return json_reply(answer);
}

}  // namespace zabd::server::admin
