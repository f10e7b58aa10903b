// zabd-bench: a load generator on the raw client protocol, for zabd and ZooKeeper alike. One run, one JSON object.
#include "tests/bench/connections.hpp"
#include "tests/bench/failure.hpp"
#include "tests/bench/report.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <vector>

namespace zabd::bench {
namespace {

constexpr std::string_view kLoad = "load";
constexpr std::string_view kWatch = "watch";
constexpr std::string_view kConnect = "connect";
constexpr std::string_view kIdle = "idle";

constexpr std::size_t kPrepareInFlight = 64;
constexpr std::size_t kPrepareSessions = 8;
constexpr std::size_t kDescriptorsBesides = 64;

struct Options {
    std::string workload;
    std::string host = "127.0.0.1";
    std::vector<std::uint16_t> ports{2181};
    std::vector<pid_t> pids;
    Load load;
    WorkloadOptions what;
    bool prepared = false;
    Seconds settle{5};
};

Options parse(int argc, char** argv) {
    Options options;
    double seconds = options.load.measured->count();
    double warm_up = options.load.warm_up.count();
    double settle = options.settle.count();
    auto names = workload_names();
    names.insert(names.end(), {std::string(kLoad), std::string(kWatch), std::string(kConnect), std::string(kIdle)});

    CLI::App app("Drives a server that speaks ZooKeeper's client protocol and prints what was measured as JSON.");
    app.add_option("workload", options.workload)->required()->check(CLI::IsMember(names));
    app.add_option("--host", options.host)->capture_default_str();
    app.add_option("--port", options.ports, "more than one: of an ensemble's members, among which sessions are spread")
        ->capture_default_str()
        ->delimiter(',');
    app.add_option("--pid", options.pids, "the server's process, to measure what it costs; idle needs it")
        ->delimiter(',');
    app.add_option("--sessions", options.what.sessions)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--in-flight", options.load.in_flight, "requests of each session")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--rate", options.load.rate, "requests per second over all sessions: open loop")
        ->check(CLI::PositiveNumber);
    app.add_option("--seconds", seconds, "measured")->capture_default_str();
    app.add_option("--warm-up", warm_up, "seconds before that")->capture_default_str();
    app.add_option("--data", options.what.tree.data_bytes, "bytes of data of a node")->capture_default_str();
    app.add_option("--nodes", options.what.tree.nodes)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--parents", options.what.tree.parents)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--write-percent", options.what.write_percent, "of mixed")->capture_default_str();
    app.add_flag("--prepared", options.prepared, "the nodes are there already");
    app.add_option("--settle", settle, "seconds before the memory of idle sessions is looked at")
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error));
    }
    options.load.measured = options.workload == kLoad ? std::nullopt : std::optional<Seconds>(seconds);
    options.load.warm_up = Seconds(warm_up);
    options.settle = Seconds(settle);
    options.what.tag = std::to_string(::getpid());
    return options;
}

/// Runs a finite workload to its end; nodes that are there already are as good as created.
void complete(std::size_t session_count, Workload& workload, const Addresses& servers) {
    auto sessions = open_sessions(session_count, servers);
    const ServerProbe unmeasured(servers, {});
    const auto outcome =
        Driver(sessions, workload, unmeasured).run({.in_flight = kPrepareInFlight, .measured = std::nullopt});
    for (const auto& [code, count] : outcome.errors)
        if (static_cast<wire::ErrorCode>(code) != wire::ErrorCode::kNodeExists)
            throw Failure("a node that the workload needs was refused with error " + std::to_string(code));
}

void prepare(const Options& options, const Addresses& servers) {
    if (options.workload == kConnect || options.workload == kIdle) return;
    complete(1, *create_parents(options.what), servers);
    if (!options.prepared && options.workload != kLoad && options.workload != kWatch)
        complete(kPrepareSessions, *create_nodes(options.what.tree), servers);
}

Outcome drive(const Options& options, const Addresses& servers, const ServerProbe& probe) {
    const auto sessions_wanted = options.what.sessions;
    if (options.workload == kWatch)
        return run_fan_out(servers, std::string(kRoot), sessions_wanted, options.load, probe);
    if (options.workload == kConnect) return run_connect_close(servers, sessions_wanted, options.load, probe);
    const auto workload =
        options.workload == kLoad ? create_nodes(options.what.tree) : make_workload(options.workload, options.what);
    auto sessions = open_sessions(sessions_wanted, servers);
    return Driver(sessions, *workload, probe).run(options.load);
}

Json run(const Options& options) {
    raise_descriptor_limit(options.what.sessions + kDescriptorsBesides);
    Addresses servers;
    for (const auto port : options.ports) servers.push_back(address_of(options.host, port));
    const ServerProbe probe(servers, options.pids);
    prepare(options, servers);
    if (options.workload == kIdle)
        return report(run_idle(servers, options.what.sessions, options.settle, probe), options.what.sessions);
    const auto rss_before = probe.rss_bytes();
    const auto outcome = drive(options, servers, probe);
    return report(outcome, rss_before, probe.rss_bytes());
}

}  // namespace
}  // namespace zabd::bench

int main(int argc, char** argv) {
    try {
        std::cout << zabd::bench::run(zabd::bench::parse(argc, argv)).dump(2) << "\n";
        return 0;
    } catch (const std::exception& problem) {
        std::cerr << "zabd-bench: " << problem.what() << "\n";
        return 1;
    }
}
