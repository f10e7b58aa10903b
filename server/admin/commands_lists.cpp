// Commands that list clients' things: connections, sessions, watches.
#include "server/admin/ask.hpp"
#include "server/admin/commands.hpp"
#include "server/monitor.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using znode::WatchKind;

constexpr std::size_t kSlice = 256;
constexpr int kReading = 1;  // java.nio's SelectionKey.OP_READ

std::int64_t number(SessionId session) { return static_cast<std::int64_t>(session); }

CommandJson connection_json(const core::ConnectionStatus& connection, bool brief) {
    const auto& traffic = connection.traffic;
    CommandJson fields;
    fields["remote_socket_address"] = host_and_port(connection.address, connection.port);
    fields["interest_ops"] = kReading;
    fields["outstanding_requests"] = connection.queued;
    fields["packets_received"] = traffic.received;
    fields["packets_sent"] = traffic.sent;
    if (brief || connection.session == SessionId::kNone) return fields;
    fields["session_id"] = number(connection.session);
    fields["last_operation"] = operation_name(connection.last_op);
    fields["established"] = static_cast<std::int64_t>(connection.established);
    fields["session_timeout"] = connection.timeout.count();
    fields["last_cxid"] = connection.last_xid;
    fields["last_zxid"] = connection.zxid_last.value;
    fields["last_response_time"] = connection.responded_last.time_since_epoch().count();
    fields["last_latency"] = connection.latency_ms_last;
    fields["min_latency"] = traffic.latency_ms_min;
    fields["avg_latency"] = traffic.requests == 0 ? 0 : traffic.latency_ms_sum / traffic.requests;
    fields["max_latency"] = traffic.latency_ms_max;
    return fields;
}

struct Connected {
    core::Status status;
    ServerFigures figures;
    std::optional<std::vector<core::ConnectionStatus>> connections;  // nullopt: too many
};

asio::awaitable<Connected> clients_of(Services& services) {
    auto question = [](Inside& inside) {
        Connected clients{inside.core().status(), inside.figures(), std::nullopt};
        if (clients.status.connections <= kCommandItemsMax) clients.connections = inside.core().connections();
        return clients;
    };
    co_return co_await ask(services.desk, std::move(question));
}

void add_connections(CommandJson& fields, const std::vector<core::ConnectionStatus>& connections, bool brief) {
    auto list = CommandJson::array();
    for (const auto& connection : connections) list.push_back(connection_json(connection, brief));
    fields["connections"] = std::move(list);
    fields["secure_connections"] = CommandJson::array();
}

// --- watches ---------------------------------------------------------------------------------------------------------

/// Of the data table, which is what ZooKeeper's commands show; a persistent watch is in both.
bool of_data(const core::WatchView& watch) {
    for (const auto kind : watch.kinds)
        if (kind != WatchKind::kChild) return true;
    return false;
}

struct Watched {
    std::map<std::string, std::set<SessionId>> by_path;
    std::set<ConnectionId> connections;
    std::size_t count = 0;
    bool complete = true;
};

/// In slices, between which the server goes on.
asio::awaitable<Watched> watched(Services& services) {
    Watched all;
    std::optional<core::WatchCursor> cursor = core::WatchCursor{};
    while (cursor) {
        auto question = [from = *cursor](Inside& inside) { return inside.core().watches_page(from, kSlice); };
        const auto slice = co_await ask(services.desk, std::move(question));
        for (const auto& watch : slice.watches) {
            if (!of_data(watch)) continue;
            if (!all.by_path[watch.path].insert(watch.session).second) continue;
            all.connections.insert(watch.connection);
            ++all.count;
        }
        cursor = slice.next;
        all.complete = all.count <= kCommandItemsMax;
        if (!all.complete) break;
    }
    co_return all;
}

constexpr const char* kWatchPages = "/api/v1/watches";

}  // namespace

CommandAnswer connections_command(Services& services) {
    const auto clients = co_await clients_of(services);
    if (!clients.connections) co_return too_many("connections", "/api/v1/connections");
    CommandResult result;
    add_connections(result.fields, *clients.connections, false);
    co_return result;
}

CommandAnswer stats_command(Services& services) {
    const auto clients = co_await clients_of(services);
    if (!clients.connections) co_return too_many("connections", "/api/v1/connections");
    CommandResult result{.fields = server_stats_json(clients.status, clients.figures)};
    add_connections(result.fields, *clients.connections, true);
    co_return result;
}

/// Times are of the wall clock; ZooKeeper's are of one that begins with the machine.
CommandAnswer dump_command(Services& services) {
    auto question = [](Inside& inside) {
        const auto status = inside.core().status();
        std::optional<core::SessionsStatus> sessions;
        if (status.sessions + status.ephemerals <= kCommandItemsMax) sessions = inside.core().sessions();
        return sessions;
    };
    const auto sessions = co_await ask(services.desk, std::move(question));
    if (!sessions) co_return too_many("sessions and ephemerals", "/api/v1/sessions");
    auto expiring = CommandJson::object();
    for (const auto& [at_ms, ids] : sessions->by_expiry_ms) {
        auto list = CommandJson::array();
        for (const auto id : ids) list.push_back(number(id));
        expiring[std::to_string(at_ms)] = std::move(list);
    }
    auto ephemerals = CommandJson::object();
    for (const auto& [id, paths] : sessions->ephemerals) ephemerals[std::to_string(number(id))] = paths;
    CommandResult result;
    result.fields["expiry_time_to_session_ids"] = std::move(expiring);
    result.fields["session_id_to_ephemeral_paths"] = std::move(ephemerals);
    co_return result;
}

CommandAnswer watches_command(Services& services) {
    const auto all = co_await watched(services);
    if (!all.complete) co_return too_many("watches", kWatchPages);
    std::map<SessionId, CommandJson> by_session;
    for (const auto& [path, sessions] : all.by_path)
        for (const auto session : sessions) by_session[session].push_back(path);
    auto list = CommandJson::object();
    for (auto& [session, paths] : by_session) list[std::to_string(number(session))] = std::move(paths);
    CommandResult result;
    result.fields["session_id_to_watched_paths"] = std::move(list);
    co_return result;
}

CommandAnswer watches_by_path_command(Services& services) {
    const auto all = co_await watched(services);
    if (!all.complete) co_return too_many("watches", kWatchPages);
    auto list = CommandJson::object();
    for (const auto& [path, sessions] : all.by_path) {
        auto ids = CommandJson::array();
        for (const auto session : sessions) ids.push_back(number(session));
        list[path] = std::move(ids);
    }
    CommandResult result;
    result.fields["path_to_session_ids"] = std::move(list);
    co_return result;
}

CommandAnswer watch_summary_command(Services& services) {
    const auto all = co_await watched(services);
    if (!all.complete) co_return too_many("watches", kWatchPages);
    CommandResult result;
    result.fields["num_connections"] = all.connections.size();
    result.fields["num_paths"] = all.by_path.size();
    result.fields["num_total_watches"] = all.count;
    co_return result;
}

}  // namespace zabd::server::admin
