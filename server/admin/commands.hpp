// ZooKeeper's AdminServer: its commands, with the names and fields of 3.8, for the tools that were made for it.
//
// Source    the answers of ZooKeeper 3.8.0's own server. docs/monitoring.md says where ours differ.
// Bounds    what lists things asks for them in slices; beyond kCommandItemsMax it says to ask the API, which has pages.
#pragma once

#include "server/admin/services.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace zabd::server::admin {

inline constexpr std::size_t kCommandItemsMax = 20'000;

/// In the order in which the fields are shown.
using CommandJson = nlohmann::ordered_json;

struct CommandResult {
    CommandJson fields = CommandJson::object();
    std::string error{};  // empty: there was none; else `fields` is not shown
};
using CommandAnswer = boost::asio::awaitable<CommandResult>;

[[nodiscard]] inline CommandResult command_error(std::string why) { return {.error = std::move(why)}; }
[[nodiscard]] CommandResult too_many(const char* what, const char* address);

// commands_lists.cpp
[[nodiscard]] CommandAnswer connections_command(Services& services);
[[nodiscard]] CommandAnswer stats_command(Services& services);  // server_stats, and connections in brief
[[nodiscard]] CommandAnswer dump_command(Services& services);
[[nodiscard]] CommandAnswer watches_command(Services& services);
[[nodiscard]] CommandAnswer watches_by_path_command(Services& services);
[[nodiscard]] CommandAnswer watch_summary_command(Services& services);

// commands_server.cpp
[[nodiscard]] CommandAnswer monitor_command(Services& services);
[[nodiscard]] CommandAnswer server_stats_command(Services& services);
[[nodiscard]] CommandAnswer dirs_command(Services& services);
[[nodiscard]] CommandAnswer hash_command(Services& services);
[[nodiscard]] CommandAnswer is_read_only_command(Services& services);
[[nodiscard]] CommandAnswer last_snapshot_command(Services& services);
[[nodiscard]] CommandAnswer leader_command(Services& services);
[[nodiscard]] CommandAnswer observers_command(Services& services);
[[nodiscard]] CommandAnswer voting_view_command(Services& services);
[[nodiscard]] CommandAnswer zab_state_command(Services& services);
[[nodiscard]] CommandAnswer stat_reset_command(Services& services);
[[nodiscard]] CommandAnswer connection_stat_reset_command(Services& services);

/// An IPv6 address in brackets.
[[nodiscard]] std::string host_and_port(const std::string& host, std::uint16_t port);
/// Of server_stats, as core and process tell it.
[[nodiscard]] CommandJson server_stats_json(const core::Status& status, const ServerFigures& figures);

}  // namespace zabd::server::admin
