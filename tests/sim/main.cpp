// zabd-sim: runs the simulator on one seed or on many.
#include "tests/sim/world.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace zabd::sim;

enum Exit : int { kPassed = 0, kIncorrect = 1, kUsage = 2, kNotLive = 3, kCrashed = 4, kTame = 5 };

/// What to say when production code stops the process; made before each run, as a signal handler cannot.
std::string crash_text;

void on_abort(int) {
    (void)!::write(STDERR_FILENO, crash_text.data(), crash_text.size());
    ::_exit(kCrashed);
}

struct Totals {
    std::uint64_t seeds = 0;
    Duration virtual_time{0};
    std::uint64_t transactions = 0;
    FaultCounts faults;
};

std::string replay_line(const WorldOptions& options) {
    std::string planted;
    for (const auto& [bug, name] : kBugs)
        if (options.planted.is(bug)) planted = fmt::format(" --planted {}", name);
    const auto servers = options.voters == 0 ? "" : fmt::format(" --servers {}", options.voters);
    return fmt::format("zabd-sim --seed {}{}{} --trace", options.seed, servers, planted);
}

int run(const WorldOptions& options, bool prints_hash, Totals& totals) {
    crash_text =
        fmt::format("FAILED: {}: crash: production code stopped the process, see above\n", replay_line(options));
    World world(options);
    try {
        world.run();
    } catch (const Violation& violation) {
        std::fflush(stdout);
        fmt::print(stderr, "FAILED: {}: {}: {}\n", replay_line(options), violation.invariant, violation.what);
        return violation.invariant == "I-LIVE" ? kNotLive : kIncorrect;
    }
    if (prints_hash) fmt::print("{} {:016x}\n", options.seed, world.hash());
    ++totals.seeds;
    totals.virtual_time += world.virtual_time();
    totals.transactions += world.transactions();
    totals.faults.add(world.faults());
    return kPassed;
}

std::uint64_t fresh_seed() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()) *
           1000;
}

void report(const Totals& totals, std::chrono::duration<double> took) {
    const auto virtual_hours = static_cast<double>(totals.virtual_time.count()) / 3.6e9;
    fmt::print("seeds {}  virtual hours {:.1f}  virtual hours per wall minute {:.1f}  took {:.1f} s\n", totals.seeds,
               virtual_hours, virtual_hours * 60 / took.count(), took.count());
    for (const auto& kind : fault_kinds()) {
        fmt::print("  {:<9} {:<32} {:>9}\n", kind.group, kind.name, totals.faults.of(kind.fault));
    }
}

/// Exit code.
int demand_floors(const Totals& totals) {
    const auto found = too_rare(totals.faults, totals.seeds);
    std::fflush(stdout);
    for (const auto& [name, count, floor] : found)
        fmt::print(stderr, "FAILED: the fault '{}' was injected {} times, and {} are the least\n", name, count, floor);
    return found.empty() ? kPassed : kTame;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Runs zabd's core and storage in a simulated world, and checks that its promises hold.");
    WorldOptions options;
    std::uint64_t seeds = 0, from = 1;
    double minutes = 0;
    bool prints_report = false, prints_hashes = false, no_faults = false, fresh = false, keeps_going = false;
    bool wants_floors = false;
    std::string planted;
    app.add_option("--seed", options.seed, "run this one");
    app.add_option("--seeds", seeds, "run so many");
    app.add_option("--from", from, "the first of them");
    app.add_option("--minutes", minutes, "go on with further ones for so long");
    app.add_flag("--fresh", fresh, "begin with a seed that nobody has run, made of the time");
    app.add_flag("--keep-going", keeps_going, "run the other seeds though one has failed");
    app.add_flag("--trace", options.trace, "print what happens");
    app.add_flag("--report", prints_report, "print counts at the end");
    app.add_flag("--floors", wants_floors, "fail if a kind of fault was too rare; of 1000 seeds or more");
    app.add_flag("--hashes", prints_hashes, "print each seed and its hash");
    app.add_flag("--no-faults", no_faults, "let nothing go wrong");
    app.add_option("--servers", options.voters, "so many voters: 1, 3, 5 or 7; else drawn for each seed")
        ->check(CLI::IsMember({1, 3, 5, 7}));
    app.add_option("--planted", planted, "plant this bug");
    CLI11_PARSE(app, argc, argv);
    for (const auto& [bug, name] : kBugs)
        if (planted == name) options.planted.bug = bug;
    if (!planted.empty() && options.planted.is(Bug::kNone)) return kUsage;
    options.faults = !no_faults;
    if (wants_floors && (no_faults || options.voters != 0)) return kUsage;  // they are those of the usual mixture

    std::signal(SIGABRT, on_abort);
    const auto start = std::chrono::steady_clock::now();
    const auto took = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start); };
    Totals totals;
    int first_failure = kPassed;
    if (seeds == 0 && minutes == 0) {
        seeds = 1;
        from = options.seed;
    }
    if (fresh) from = fresh_seed();
    if (fresh) fmt::print("from seed {}\n", from);
    std::fflush(stdout);
    for (auto seed = from; seed < from + seeds || took().count() < minutes * 60; ++seed) {
        options.seed = seed;
        const auto exit = run(options, prints_hashes, totals);
        if (exit != kPassed && !keeps_going) return exit;
        if (first_failure == kPassed) first_failure = exit;
    }
    if (prints_report) report(totals, took());
    if (first_failure != kPassed) return first_failure;
    return wants_floors ? demand_floors(totals) : static_cast<int>(kPassed);
}
