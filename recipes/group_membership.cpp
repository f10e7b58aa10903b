#include "recipes/group_membership.hpp"

#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Errc;

namespace {

constexpr std::size_t kReadTogether = 64;  // nodes

template <class Nodes, class Value>
auto project(const Nodes& nodes, Value value) {
    std::map<std::string, decltype(value(nodes.begin()->second))> values;
    for (const auto& [id, node] : nodes) values.emplace(id, value(node));
    return values;
}

}  // namespace

PersistentEphemeral join_group(client::Client& client, std::string_view group, std::string_view id, std::string data) {
    return {client, child_of(group, id), std::move(data)};
}

asio::awaitable<Group::Members> Group::members() {
    const auto census = co_await take_census(nullptr);
    co_return project(census, [](const client::NodeData& node) { return node.data; });
}

asio::awaitable<Group::Members> Group::next() {
    for (;;) {
        if (!armed_) {
            const auto census = co_await take_census(&watch_);
            armed_ = true;
            auto present = project(census, [](const client::NodeData& node) { return node.stat.czxid; });
            if (given_ != present) {
                given_ = std::move(present);
                co_return project(census, [](const client::NodeData& node) { return node.data; });
            }
        }
        const bool stale = co_await stale_until(watch_, kNever);
        armed_ = !stale;
    }
}

asio::awaitable<Group::Census> Group::take_census(client::Watch* watch) {
    for (;;) {
        auto census = co_await read_members(watch);
        if (census) co_return *std::move(census);
    }
}

/// nullopt: to be asked again.
asio::awaitable<std::optional<Group::Census>> Group::read_members(client::Watch* watch) {
    const client::ReadOptions options{.watch = watch, .linearizable = true};
    const auto [error, children] = co_await client_.children(path_, options, as_value);
    if (co_await session_renewed(client_, error)) co_return std::nullopt;
    if (error == Errc::kNoNode) {
        co_await client_.ensure_path(path_);
        co_return std::nullopt;
    }
    throw_if(error);
    Census census;
    for (std::span<const std::string> rest = children.names; !rest.empty();) {
        const auto batch = rest.first(std::min(rest.size(), kReadTogether));
        rest = rest.subspan(batch.size());
        client::MultiRead reads;
        for (const auto& id : batch) reads.get(child_of(path_, id));
        auto [failed, results] = co_await client_.multi_read(reads, {}, as_value);
        if (co_await session_renewed(client_, failed)) co_return std::nullopt;
        throw_if(failed);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            auto& node = results[i];
            if (node.error == Errc::kNoNode) continue;  // gone since, and the watch knows
            throw_if(node.error);
            census[batch[i]] = {.data = std::move(node.data), .stat = node.stat};
        }
    }
    co_return census;
}

}  // namespace zabd::recipes
