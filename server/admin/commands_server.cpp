// Commands about the server as a whole.
#include "server/admin/ask.hpp"
#include "server/admin/commands.hpp"
#include "server/admin/reply.hpp"
#include "server/monitor.hpp"
#include "server/process.hpp"
#include "server/version.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;

struct State {
    core::Status status;
    ServerFigures figures;
};

asio::awaitable<State> state_of(Services& services) {
    auto question = [](Inside& inside) { return State{inside.core().status(), inside.figures()}; };
    auto state = co_await ask(services.desk, std::move(question));
    count_descriptors(state.figures);
    co_return state;
}

bool answering(const core::Status& status) { return status.serving || status.state == core::ServerState::kReadOnly; }

CommandResult not_serving() { return command_error("This ZooKeeper instance is not currently serving requests"); }

std::size_t voters(const Config& config) { return config.ensemble ? config.ensemble->membership.voters().size() : 1; }

/// "" where the configuration does not say.
std::string client_address(const Config& config, ServerId id) {
    if (config.ensemble && id == config.ensemble->self)
        return host_and_port(config.client_address.empty() ? "0.0.0.0" : config.client_address, config.client_port);
    const auto& client = config.ensemble->servers.at(id).client;
    return client ? host_and_port(client->host, client->port) : std::string();
}

CommandJson sizes(std::int64_t last, std::int64_t min, std::int64_t max) {
    return {{"last_buffer_size", last}, {"min_buffer_size", min}, {"max_buffer_size", max}};
}

/// As ZooKeeper tells of an address with several hosts, of which we have one.
CommandJson addresses(const std::string& host, std::uint16_t port) {
    const auto address = host_and_port(host, port);
    CommandJson fields;
    fields["empty"] = false;
    fields["all_addresses"] = CommandJson::array({address});
    fields["one"] = address;
    fields["wildcard_addresses"] = CommandJson::array({host_and_port("0.0.0.0", port)});
    fields["all_ports"] = CommandJson::array({port});
    fields["all_host_strings"] = CommandJson::array({host});
    return fields;
}

asio::awaitable<CommandResult> reset(Services& services, bool connections_only) {
    auto question = [connections_only](Inside& inside) {
        inside.reset_statistics(connections_only);
        return true;
    };
    co_await ask(services.desk, std::move(question));
    co_return CommandResult{};
}

}  // namespace

std::string host_and_port(const std::string& host, std::uint16_t port) {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

CommandJson server_stats_json(const core::Status& status, const ServerFigures& figures) {
    const auto& traffic = status.traffic;
    const auto replies = sizes(status.reply_bytes_last, status.reply_bytes_min, status.reply_bytes_max);
    CommandJson stats;
    stats["packets_sent"] = traffic.sent + figures.words_sent;
    stats["packets_received"] = traffic.received + figures.words_received;
    stats["fsync_threshold_exceed_count"] = figures.slow_syncs;
    stats["client_response_stats"] = replies;
    stats["data_dir_size"] = figures.checkpoint_bytes;
    stats["log_dir_size"] = figures.log_bytes;
    stats["provider_null"] = !answering(status);
    stats["server_state"] = state_name(status.state);
    stats["last_processed_zxid"] = status.zxid_applied.value;
    stats["outstanding_requests"] = status.outstanding;
    stats["avg_latency"] = average(traffic.latency_ms_sum, traffic.requests);
    stats["max_latency"] = traffic.latency_ms_max;
    stats["min_latency"] = traffic.latency_ms_min;
    stats["num_alive_client_connections"] = status.connections;
    stats["uptime"] = status.uptime.count();
    stats["auth_failed_count"] = status.auth_failures;
    stats["non_mtlsremote_conn_count"] = 0;
    stats["non_mtlslocal_conn_count"] = 0;

    CommandJson fields;
    fields["version"] = zookeeper_version_text();
    fields["read_only"] = status.state == core::ServerState::kReadOnly;
    fields["server_stats"] = std::move(stats);
    fields["client_response"] = replies;
    if (status.state == core::ServerState::kLeading)
        fields["proposal_stats"] = sizes(figures.proposals.last, figures.proposals.min, figures.proposals.max);
    fields["node_count"] = status.nodes + 1;
    return fields;
}

CommandAnswer monitor_command(Services& services) {
    const auto state = co_await state_of(services);
    CommandResult result;
    for (const auto& figure : monitor_figures(state.status, state.figures, voters(services.config))) {
        auto& field = result.fields[std::string(figure.name)];
        std::visit([&](const auto& value) { field = value; }, figure.value);
    }
    co_return result;
}

CommandAnswer server_stats_command(Services& services) {
    const auto state = co_await state_of(services);
    if (!answering(state.status)) co_return not_serving();
    co_return CommandResult{.fields = server_stats_json(state.status, state.figures)};
}

CommandAnswer dirs_command(Services& services) {
    const auto state = co_await state_of(services);
    CommandResult result;
    result.fields["datadir_size"] = state.figures.checkpoint_bytes;
    result.fields["logdir_size"] = state.figures.log_bytes;
    co_return result;
}

CommandAnswer hash_command(Services& services) {
    constexpr int kDigestVersion = 2;
    auto question = [](Inside& inside) { return inside.core().digests(); };
    const auto samples = co_await ask(services.desk, std::move(question));
    auto digests = CommandJson::array();
    for (const auto& sample : samples) {
        CommandJson digest;
        digest["zxid"] = sample.zxid.value;
        digest["digest"] = static_cast<std::int64_t>(sample.digest);
        digest["digest_version"] = kDigestVersion;
        digests.push_back(std::move(digest));
    }
    CommandResult result;
    result.fields["digests"] = std::move(digests);
    co_return result;
}

CommandAnswer is_read_only_command(Services& services) {
    const auto state = co_await state_of(services);
    if (!answering(state.status)) co_return not_serving();
    CommandResult result;
    result.fields["read_only"] = state.status.state == core::ServerState::kReadOnly;
    co_return result;
}

/// The zxid as ZooKeeper shows it: hexadecimal without a prefix, all ones if there is none.
CommandAnswer last_snapshot_command(Services& services) {
    const auto state = co_await state_of(services);
    const bool exists = state.figures.checkpoint_at != 0;
    const auto zxid = exists ? state.figures.zxid_checkpointed : kZxidUnknown;
    CommandResult result;
    result.fields["zxid"] = fmt::format("{:x}", zxid.value);
    result.fields["timestamp"] = exists ? state.figures.checkpoint_at / 1000 : -1;
    co_return result;
}

CommandAnswer leader_command(Services& services) {
    if (!services.config.ensemble) co_return command_error("server is not initialized");
    const auto state = co_await state_of(services);
    if (!answering(state.status)) co_return not_serving();
    const auto leader = state.status.leader;
    const auto& servers = services.config.ensemble->servers;
    const auto found = leader ? servers.find(*leader) : servers.end();
    CommandResult result;
    result.fields["is_leader"] = state.status.state == core::ServerState::kLeading;
    result.fields["leader_id"] = leader ? static_cast<int>(*leader) : -1;
    result.fields["leader_ip"] = found != servers.end() ? found->second.host : "";
    co_return result;
}

CommandAnswer observers_command(Services& services) {
    auto question = [](Inside& inside) { return inside.core().learners(); };
    const auto learners = co_await ask(services.desk, std::move(question));
    auto observers = CommandJson::array();
    for (const auto& learner : learners) {
        if (!learner.observer || !learner.up_to_date) continue;
        CommandJson observer;
        observer["sid"] = static_cast<int>(learner.server);
        observer["last_zxid"] = learner.acked.value;
        observers.push_back(std::move(observer));
    }
    CommandResult result;
    result.fields["synced_observers"] = observers.size();
    result.fields["observers"] = std::move(observers);
    co_return result;
}

CommandAnswer voting_view_command(Services& services) {
    auto view = CommandJson::object();
    if (services.config.ensemble) {
        for (const auto& [id, server] : services.config.ensemble->servers) {
            if (server.observer) continue;
            CommandJson fields;
            fields["server_addresses"] = CommandJson::array({host_and_port(server.host, server.quorum_port)});
            fields["election_addresses"] = CommandJson::array({host_and_port(server.host, server.election_port)});
            fields["client_address"] = client_address(services.config, id);
            fields["learner_type"] = "participant";
            view[std::to_string(static_cast<int>(id))] = std::move(fields);
        }
    }
    CommandResult result;
    result.fields["current_config"] = std::move(view);
    co_return result;
}

CommandAnswer zab_state_command(Services& services) {
    CommandResult result;
    auto& fields = result.fields;
    if (!services.config.ensemble) {
        fields["voting"] = false;
        fields["zabstate"] = "";
        co_return result;
    }
    const auto state = co_await state_of(services);
    const auto& ensemble = *services.config.ensemble;
    const auto& own = ensemble.own();
    fields["myid"] = static_cast<int>(ensemble.self);
    fields["is_leader"] = state.status.state == core::ServerState::kLeading;
    fields["quorum_address"] = addresses(own.host, own.quorum_port);
    fields["election_address"] = addresses(own.host, own.election_port);
    fields["client_address"] = client_address(services.config, ensemble.self);
    fields["voting"] = !own.observer;
    fields["last_zxid"] = hex(state.status.zxid_applied);
    fields["zab_epoch"] = state.status.zxid_applied.epoch();
    fields["zab_counter"] = state.status.zxid_applied.counter();
    fields["zabstate"] = state.status.serving ? "broadcast" : "election";
    co_return result;
}

CommandAnswer stat_reset_command(Services& services) { return reset(services, false); }
CommandAnswer connection_stat_reset_command(Services& services) { return reset(services, true); }

}  // namespace zabd::server::admin
