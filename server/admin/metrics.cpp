// Names    ZooKeeper's, as its PrometheusMetricsProvider gives them, where the meaning is the same; conventional ones
//          of a process (process_...); else zabd_..., in base units.
// Types    as ZooKeeper's: what srst resets is a gauge there, even if it counts.
#include "server/admin/metrics.hpp"

#include "server/admin/ask.hpp"
#include "server/admin/audit_log.hpp"
#include "server/admin/stages.hpp"
#include "server/monitor.hpp"
#include "server/process.hpp"
#include "server/version.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kMicrosPerSecond = 1e6;
constexpr double kMillisPerSecond = 1e3;

/// The figures of mntr that are metrics too.
struct Known {
    std::string_view name;
    MetricType type;
    std::string_view help;
};
constexpr std::array kKnown{
    Known{"avg_latency", MetricType::Gauge, "Average time to answer a request, in ms"},
    Known{"max_latency", MetricType::Gauge, "Longest time to answer a request, in ms"},
    Known{"min_latency", MetricType::Gauge, "Shortest time to answer a request, in ms"},
    Known{"packets_received", MetricType::Gauge, "Packets received from clients since start or reset"},
    Known{"packets_sent", MetricType::Gauge, "Packets sent to clients since start or reset"},
    Known{"num_alive_connections", MetricType::Gauge, "Connections of clients"},
    Known{"outstanding_requests", MetricType::Gauge, "Requests taken and not yet answered"},
    Known{"uptime", MetricType::Gauge, "Time since the server began to serve, in ms"},
    Known{"znode_count", MetricType::Gauge, "Nodes, as ZooKeeper counts them"},
    Known{"watch_count", MetricType::Gauge, "Watches of this server's clients"},
    Known{"ephemerals_count", MetricType::Gauge, "Ephemeral nodes"},
    Known{"approximate_data_size", MetricType::Gauge, "Bytes of all paths and data"},
    Known{"global_sessions", MetricType::Gauge, "Sessions of the ensemble"},
    Known{"local_sessions", MetricType::Gauge, "Local sessions, of which there are none"},
    Known{"open_file_descriptor_count", MetricType::Gauge, "Open file descriptors"},
    Known{"max_file_descriptor_count", MetricType::Gauge, "Limit of open file descriptors"},
    Known{"connection_drop_probability", MetricType::Gauge, "Probability that a new connection is dropped"},
    Known{"last_client_response_size", MetricType::Gauge, "Bytes of the last reply, -1 before the first"},
    Known{"max_client_response_size", MetricType::Gauge, "Bytes of the longest reply, -1 before the first"},
    Known{"min_client_response_size", MetricType::Gauge, "Bytes of the shortest reply, -1 before the first"},
    Known{"outstanding_tls_handshake", MetricType::Gauge, "TLS handshakes of clients under way"},
    Known{"auth_failed_count", MetricType::Gauge, "Attempts to authenticate that failed"},
    Known{"non_mtls_remote_conn_count", MetricType::Gauge, "Connections counted by ZooKeeper's port unification"},
    Known{"non_mtls_local_conn_count", MetricType::Gauge, "Connections counted by ZooKeeper's port unification"},
    Known{"stale_sessions_expired", MetricType::Counter, "Sessions that expired"},
    Known{"connection_rejected", MetricType::Counter, "Connections refused over a limit"},
    Known{"digest_mismatches_count", MetricType::Counter, "Transactions after which the tree's digest differed"},
    Known{"quorum_size", MetricType::Gauge, "Voters of the ensemble"},
    Known{"learners", MetricType::Gauge, "Leader: followers and observers in sync"},
    Known{"synced_followers", MetricType::Gauge, "Leader: followers in sync"},
    Known{"synced_non_voting_followers", MetricType::Gauge, "Leader: followers in sync that do not vote"},
    Known{"synced_observers", MetricType::Gauge, "Leader: observers in sync"},
    Known{"leader_uptime", MetricType::Gauge, "Leader: time since it leads, in ms"},
    Known{"last_proposal_size", MetricType::Gauge, "Bytes of the last proposal, -1 before the first"},
    Known{"max_proposal_size", MetricType::Gauge, "Bytes of the longest proposal, -1 before the first"},
    Known{"min_proposal_size", MetricType::Gauge, "Bytes of the shortest proposal, -1 before the first"},
};

/// Puts the families together.
class Families {
public:
    void gauge(std::string_view name, std::string_view help, double value) {
        family(name, help, MetricType::Gauge).metric.emplace_back().gauge.value = value;
    }
    void counter(std::string_view name, std::string_view help, double value) {
        family(name, help, MetricType::Counter).metric.emplace_back().counter.value = value;
    }
    void summary(std::string_view name, std::string_view help, std::uint64_t count, double sum) {
        auto& metric = family(name, help, MetricType::Summary).metric.emplace_back();
        metric.summary.sample_count = count;
        metric.summary.sample_sum = sum;
    }
    MetricFamily& family(std::string_view name, std::string_view help, MetricType type) {
        families_.push_back({std::string(name), std::string(help), type, {}});
        return families_.back();
    }
    [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    std::vector<MetricFamily> families_;
};

struct State {
    core::Status status;
    ServerFigures figures;
};

double as_double(const Figure& figure) {
    if (const auto* one = std::get_if<double>(&figure.value)) return *one;
    if (const auto* one = std::get_if<std::int64_t>(&figure.value)) return static_cast<double>(*one);
    if (const auto* one = std::get_if<std::uint64_t>(&figure.value)) return static_cast<double>(*one);
    return 0;
}

void add_zookeeper(Families& out, const Services& services, const State& state) {
    const auto& ensemble = services.config.ensemble;
    const auto voters = ensemble ? ensemble->membership.voters().size() : 1;
    for (const auto& figure : monitor_figures(state.status, state.figures, voters)) {
        const auto known = std::ranges::find(kKnown, figure.name, &Known::name);
        if (known == kKnown.end()) continue;
        const auto value = as_double(figure);
        known->type == MetricType::Counter ? out.counter(known->name, known->help, value)
                                           : out.gauge(known->name, known->help, value);
    }
    const auto& figures = state.figures;
    out.summary("fsynctime", "Time of a sync of the log, in ms", figures.syncs,
                static_cast<double>(figures.sync_us_sum) / kMillisPerSecond);
}

void add_server(Families& out, const core::Status& status) {
    using enum core::ServerState;
    auto& states = out.family("zabd_server_state", "1 for the state that the server is in", MetricType::Gauge);
    for (const auto state : {kStandalone, kLooking, kLeading, kFollowing, kObserving, kReadOnly}) {
        auto& metric = states.metric.emplace_back();
        metric.label.push_back({"state", std::string(state_name(state))});
        metric.gauge.value = state == status.state ? 1 : 0;
    }
    auto& info = out.family("zabd_info", "Always 1; the labels tell the version", MetricType::Gauge);
    auto& metric = info.metric.emplace_back();
    metric.label.push_back({"version", std::string(zabd_version())});
    metric.label.push_back({"zookeeper_version", std::string(kZooKeeperVersion)});
    metric.gauge.value = 1;

    const auto& traffic = status.traffic;
    const auto latency_sum = static_cast<double>(traffic.latency_ms_sum) / kMillisPerSecond;
    out.gauge("zabd_serving", "1 if clients' requests are answered", status.serving ? 1 : 0);
    out.gauge("zabd_epoch", "Epoch of the leader that is followed", status.epoch);
    out.gauge("zabd_epoch_transactions", "Transactions applied in this epoch", status.zxid_applied.counter());
    out.counter("zabd_elections_total", "Elections that ended with a leader", static_cast<double>(status.elections));
    out.gauge("zabd_last_election_seconds", "From looking for a leader to serving, the last time",
              static_cast<double>(status.election_last.count()) / kMillisPerSecond);
    out.counter("zabd_requests_total", "Requests answered", static_cast<double>(traffic.requests));
    out.summary("zabd_request_seconds", "Time from a request to its answer", traffic.requests, latency_sum);
    out.counter("zabd_writes_refused_total", "Writes refused because the disk was full",
                static_cast<double>(status.writes_refused));
}

void add_storage(Families& out, const Config& config, const ServerFigures& figures) {
    const auto seconds = [](std::uint64_t us) { return static_cast<double>(us) / kMicrosPerSecond; };
    out.summary("zabd_log_sync_seconds", "Time of a sync of the log", figures.syncs, seconds(figures.sync_us_sum));
    out.gauge("zabd_log_sync_max_seconds", "The longest sync of the log since start", seconds(figures.sync_us_max));
    out.gauge("zabd_log_sync_running_seconds", "For how long the sync that is under way has been, 0 if none is",
              seconds(figures.sync_us_now));
    out.counter("zabd_log_slow_syncs_total", "Times at which a slow sync was warned about",
                static_cast<double>(figures.slow_syncs));
    out.gauge("zabd_log_bytes", "Size of the log's segments", static_cast<double>(figures.log_bytes));
    out.gauge("zabd_checkpoint_bytes", "Size of the checkpoint", static_cast<double>(figures.checkpoint_bytes));
    out.gauge("zabd_checkpoint_written_timestamp_seconds", "When the checkpoint was written, 0 if there is none",
              static_cast<double>(figures.checkpoint_at) / kMillisPerSecond);
    out.gauge("zabd_disk_full", "1 if the disk of log or checkpoint is full", figures.disk_full ? 1 : 0);
    std::error_code error;
    const auto space = std::filesystem::space(config.log_dir, error);
    if (error) return;
    out.gauge("zabd_disk_free_bytes", "Free on the disk of the log", static_cast<double>(space.available));
    out.gauge("zabd_disk_size_bytes", "Size of the disk of the log", static_cast<double>(space.capacity));
}

void add_stages(Families& out, const StageHistograms& stages) {
    auto& family = out.family("zabd_stage_seconds", "Where the time of a write goes on this server, of a sample",
                              MetricType::Histogram);
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
        const auto counts = stages.counts(stage);
        auto& metric = family.metric.emplace_back();
        metric.label.push_back({"stage", std::string(kStages[stage])});
        auto& histogram = metric.histogram;
        histogram.sample_count = counts.count;
        histogram.sample_sum = static_cast<double>(counts.sum_us) / kMicrosPerSecond;
        std::uint64_t below = 0;
        for (std::size_t bucket = 0; bucket < kStageBounds.size(); ++bucket) {
            below += counts.buckets[bucket];
            histogram.bucket.push_back({below, static_cast<double>(kStageBounds[bucket]) / kMicrosPerSecond});
        }
    }
}

void add_process(Families& out, const ServerFigures& figures) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicrosPerSecond;
    };
    out.counter("process_cpu_seconds_total", "Processor time used", seconds(usage.ru_utime) + seconds(usage.ru_stime));
    out.gauge("process_resident_memory_bytes", "Memory in use", static_cast<double>(resident_bytes()));
    out.gauge("process_open_fds", "Open file descriptors", static_cast<double>(figures.descriptors_open));
    out.gauge("process_max_fds", "Limit of open file descriptors", static_cast<double>(figures.descriptors_max));
}

asio::awaitable<net::HttpResponse> metrics(Services& services, Call) { return metrics_reply(services); }

}  // namespace

asio::awaitable<net::HttpResponse> metrics_reply(Services& services) {
    auto question = [](Inside& inside) { return State{inside.core().status(), inside.figures()}; };
    auto state = co_await ask(services.desk, std::move(question));
    count_descriptors(state.figures);
    Families out;
    add_zookeeper(out, services, state);
    add_server(out, state.status);
    add_storage(out, services.config, state.figures);
    add_stages(out, services.stages);
    out.counter("zabd_audit_records_total", "Records written to the audit log",
                static_cast<double>(services.audit.written_count()));
    out.counter("zabd_audit_records_dropped_total", "Records that the audit log had no room for",
                static_cast<double>(services.audit.dropped_count()));
    add_process(out, state.figures);
    net::HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = out.text();
    co_return response;
}

void add_metric_routes(Router& router, Services& services) {
    router.add(
        {"GET", "/metrics", Role::kReader, [&services](Call call) { return metrics(services, std::move(call)); }});
}

}  // namespace zabd::server::admin
