#include "server/words.hpp"

#include "server/monitor.hpp"
#include "server/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>
#include <utility>
#include <variant>

namespace zabd::server {
namespace {

constexpr std::string_view kWords[] = {"conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro",
                                       "mntr", "ruok", "srst", "srvr", "stat", "stmk", "wchc", "wchp", "wchs"};
constexpr std::string_view kWordsOfTheProcess[] = {"envi", "gtmk", "isro", "ruok", "stmk"};
constexpr std::size_t kMaskBytes = 8;

/// Appends to a text as fmt formats.
class Text {
public:
    template <class... Args>
    Text& add(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
        return *this;
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::uint64_t hex_of(SessionId session) { return static_cast<std::uint64_t>(session); }

std::string peer(const core::ConnectionStatus& connection) {
    const bool ipv6 = connection.address.find(':') != std::string::npos;
    return ipv6 ? fmt::format("/[{}]:{}", connection.address, connection.port)
                : fmt::format("/{}:{}", connection.address, connection.port);
}

std::string utc(std::int64_t wall_ms) {
    const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const auto size = std::strftime(text, sizeof text, "%a %b %d %H:%M:%S UTC %Y", &parts);
    return {text, size};
}

/// " /127.0.0.1:54084[1](queued=0,recved=5,sent=5": to be closed by the caller.
void add_connection(Text& text, const core::ConnectionStatus& connection, ConnectionId asking) {
    const bool asks = connection.connection == asking;
    text.add(" {}[{}](queued={},recved={},sent={}", peer(connection), asks ? 0 : 1, connection.queued,
             connection.traffic.received + (asks ? 1 : 0), connection.traffic.sent);
}

void add_session(Text& text, const core::ConnectionStatus& connection) {
    const auto& traffic = connection.traffic;
    text.add(",sid=0x{:x},lop={},est={},to={}", hex_of(connection.session), operation_name(connection.last_op),
             static_cast<std::int64_t>(connection.established), connection.timeout.count());
    if (connection.last_xid >= 0) text.add(",lcxid=0x{:x}", connection.last_xid);
    text.add(",lzxid=0x{:x},lresp={},llat={},minlat={},avglat={},maxlat={}", connection.zxid_last.value,
             connection.responded_last.time_since_epoch().count(), connection.latency_ms_last, traffic.latency_ms_min,
             traffic.requests == 0 ? 0 : traffic.latency_ms_sum / traffic.requests, traffic.latency_ms_max);
}

bool serving(const core::Status& status) { return status.serving || status.state == core::ServerState::kReadOnly; }

void add_version(Text& text, const core::Status& status) {
    text.add("Zookeeper version: {}\n", zookeeper_version_text());
    if (status.state == core::ServerState::kReadOnly) text.add("READ-ONLY mode; serving only read-only clients\n");
}

void add_server(Text& text, const core::Status& status, const ServerFigures& figures) {
    const auto& traffic = status.traffic;
    text.add("Latency min/avg/max: {}/{}/{}\n", traffic.latency_ms_min,
             decimal(average(traffic.latency_ms_sum, traffic.requests)), traffic.latency_ms_max);
    text.add("Received: {}\nSent: {}\n", traffic.received + figures.words_received, traffic.sent + figures.words_sent);
    text.add("Connections: {}\nOutstanding: {}\n", status.connections, status.outstanding);
    text.add("Zxid: 0x{:x}\nMode: {}\nNode count: {}\n", status.zxid_applied.value, state_name(status.state),
             status.nodes + 1);
    if (status.state == core::ServerState::kLeading)
        text.add("Proposal sizes last/min/max: {}/{}/{}\n", figures.proposals.last, figures.proposals.min,
                 figures.proposals.max);
}

void add_ensemble(Text& text, const Ensemble& ensemble) {
    text.add("initLimit={}\nsyncLimit={}\nelectionAlg=3\n", ensemble.init_limit, ensemble.sync_limit)
        .add("electionPort={}\nquorumPort={}\n", ensemble.own().election_port, ensemble.own().quorum_port)
        .add("peerType={}\nmembership: \n{}", ensemble.own().observer ? 1 : 0, ensemble.config_text);
}

template <class Lists>
std::size_t item_count(const Lists& lists) {
    std::size_t count = 0;
    for (const auto& [heading, items] : lists) count += items.size();
    return count;
}

/// As ZooKeeper keeps them, in steps of the time that a connection may do without a session.
using ConnectionsByExpiry = std::map<std::int64_t, std::vector<const core::ConnectionStatus*>>;

ConnectionsByExpiry by_expiry(const core::SessionsStatus& sessions,
                              const std::vector<core::ConnectionStatus>& connections,
                              milliseconds sessionless_timeout) {
    std::map<SessionId, std::int64_t> expiry_ms;
    for (const auto& [at_ms, ids] : sessions.by_expiry_ms) {
        for (const auto id : ids) expiry_ms[id] = at_ms;
    }
    ConnectionsByExpiry grouped;
    for (const auto& connection : connections) {
        const auto session = expiry_ms.find(connection.session);
        const auto without = static_cast<std::int64_t>(connection.established) + sessionless_timeout.count();
        const auto at_ms = session != expiry_ms.end() ? session->second : without;
        grouped[(at_ms / sessionless_timeout.count() + 1) * sessionless_timeout.count()].push_back(&connection);
    }
    return grouped;
}

}  // namespace

std::optional<std::size_t> word_argument_bytes(std::string_view word) {
    if (!std::ranges::binary_search(kWords, word)) return std::nullopt;
    return word == "stmk" ? kMaskBytes : 0;
}

bool word_enabled(std::string_view word, const std::set<std::string>& enabled) {
    return word == "srvr" || enabled.contains("*") || enabled.contains(std::string(word));
}

std::string not_enabled_text(std::string_view word) {
    return fmt::format("{} is not executed because it is not in the whitelist.\n", word);
}

bool word_answerable(std::string_view word, const core::Status& status) {
    return serving(status) || std::ranges::binary_search(kWordsOfTheProcess, word);
}

std::string not_serving_text() { return "This ZooKeeper instance is not currently serving requests\n"; }

std::string isro_text(const core::Status& status) {
    if (status.state == core::ServerState::kReadOnly) return "ro";
    return status.serving ? "rw" : "null";
}

std::string srvr_text(const core::Status& status, const ServerFigures& figures) {
    Text text;
    add_version(text, status);
    add_server(text, status, figures);
    return text.take();
}

std::string stat_text(const core::Status& status, const ServerFigures& figures,
                      const std::vector<core::ConnectionStatus>& connections, ConnectionId asking) {
    Text text;
    add_version(text, status);
    text.add("Clients:\n");
    for (const auto& connection : connections) {
        add_connection(text, connection, asking);
        text.add(")\n");
    }
    text.add("\n");
    add_server(text, status, figures);
    return text.take();
}

std::string cons_text(const std::vector<core::ConnectionStatus>& connections, ConnectionId asking) {
    Text text;
    for (const auto& connection : connections) {
        add_connection(text, connection, asking);
        if (connection.session != SessionId::kNone) add_session(text, connection);
        text.add(")\n");
    }
    return text.add("\n").take();
}

std::string mntr_text(const core::Status& status, const ServerFigures& figures, std::size_t voters) {
    Text text;
    for (const auto& [name, value] : monitor_figures(status, figures, voters)) {
        text.add("zk_{}\t", name);
        if (const auto* real = std::get_if<double>(&value)) {
            text.add("{}\n", decimal(*real));
        } else {
            std::visit([&](const auto& one) { text.add("{}\n", one); }, value);
        }
    }
    return text.take();
}

std::string conf_text(const Config& config, const ServerFigures& figures) {
    Text text;
    text.add("clientPort={}\nsecureClientPort=-1\n", config.client_port)
        .add("dataDir={}\ndataDirSize={}\n", config.data_dir.string(), figures.checkpoint_bytes)
        .add("dataLogDir={}\ndataLogSize={}\n", config.log_dir.string(), figures.log_bytes)
        .add("tickTime={}\nmaxClientCnxns={}\n", config.tick.count(), config.connections_per_address_max)
        .add("minSessionTimeout={}\n", config.session_timeout_min.count())
        .add("maxSessionTimeout={}\n", config.session_timeout_max.count())
        .add("clientPortListenBacklog={}\n", config.client_backlog)
        .add("serverId={}\n", config.ensemble ? static_cast<int>(config.ensemble->self) : 0);
    if (config.ensemble) add_ensemble(text, *config.ensemble);
    return text.take();
}

std::string envi_text(const Environment& environment) {
    Text text;
    text.add("Environment:\nzookeeper.version={}\nhost.name={}\n", zookeeper_version_text(), environment.host_name);
    for (const auto name : {"version", "vendor", "home", "class.path", "library.path"})
        text.add("java.{}=<NA>\n", name);
    text.add("java.io.tmpdir=<NA>\njava.compiler=<NA>\n")
        .add("os.name={}\nos.arch={}\nos.version={}\n", environment.os_name, environment.os_arch,
             environment.os_version)
        .add("user.name={}\nuser.home={}\nuser.dir={}\n", environment.user_name, environment.user_home,
             environment.user_dir)
        .add("os.memory.free={}MB\nos.memory.max={}MB\n", environment.memory_free_mb, environment.memory_max_mb)
        .add("os.memory.total={}MB\nzabd.version={}\n", environment.memory_total_mb, zabd_version());
    return text.take();
}

std::string dirs_text(const ServerFigures& figures) {
    return fmt::format("datadir_size: {}\nlogdir_size: {}\n", figures.checkpoint_bytes, figures.log_bytes);
}

std::string dump_text(const core::SessionsStatus& sessions, const std::vector<core::ConnectionStatus>& connections,
                      milliseconds sessionless_timeout) {
    const auto connection_sets = by_expiry(sessions, connections, sessionless_timeout);
    Text text;
    text.add("SessionTracker dump:\nSession Sets ({})/({}):\n", sessions.by_expiry_ms.size(),
             item_count(sessions.by_expiry_ms));
    for (const auto& [at_ms, ids] : sessions.by_expiry_ms) {
        text.add("{} expire at {}:\n", ids.size(), utc(at_ms));
        for (const auto id : ids) text.add("\t0x{:x}\n", hex_of(id));
    }
    text.add("ephemeral nodes dump:\nSessions with Ephemerals ({}):\n", sessions.ephemerals.size());
    for (const auto& [id, paths] : sessions.ephemerals) {
        text.add("0x{:x}:\n", hex_of(id));
        for (const auto& path : paths) text.add("\t{}\n", path);
    }
    text.add("Connections dump:\nConnections Sets ({})/({}):\n", connection_sets.size(), connections.size());
    for (const auto& [at_ms, group] : connection_sets) {
        text.add("{} expire at {}:\n", group.size(), utc(at_ms));
        for (const auto* one : group) text.add("\tip: {} sessionId: 0x{:x}\n", peer(*one), hex_of(one->session));
    }
    return text.take();
}

std::string wchs_text(const core::WatchesStatus& watches) {
    return fmt::format("{} connections watching {} paths\nTotal watches:{}\n", watches.connections,
                       watches.by_path.size(), item_count(watches.by_path));
}

std::string wchc_text(const core::WatchesStatus& watches) {
    std::map<SessionId, std::vector<std::string_view>> by_session;
    for (const auto& [path, ids] : watches.by_path) {
        for (const auto id : ids) by_session[id].push_back(path);
    }
    Text text;
    for (const auto& [id, paths] : by_session) {
        text.add("0x{:x}\n", hex_of(id));
        for (const auto path : paths) text.add("\t{}\n", path);
    }
    return text.add("\n").take();
}

std::string wchp_text(const core::WatchesStatus& watches) {
    Text text;
    for (const auto& [path, ids] : watches.by_path) {
        text.add("{}\n", path);
        for (const auto id : ids) text.add("\t0x{:x}\n", hex_of(id));
    }
    return text.add("\n").take();
}

std::string hash_text(const std::vector<core::DigestSample>& samples) {
    Text text;
    for (const auto& sample : samples) text.add("{:x}: {}\n", sample.zxid.value, sample.digest);
    return text.take();
}

}  // namespace zabd::server
