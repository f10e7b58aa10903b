// zabd-scenarios: runs scripts, and compares what they show with what is recorded in them.
#include "tests/sim/scenario/commands.hpp"
#include "tests/sim/scenario/script.hpp"
#include "tests/sim/scenario/words.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace zabd::sim;
using namespace zabd::sim::scenario;

enum Exit : int { kPassed = 0, kFailed = 1, kUsage = 2, kCrashed = 4 };

/// What to say when production code stops the process; made before, as a signal handler cannot.
std::string crash_text;

void on_abort(int) {
    (void)!::write(STDERR_FILENO, crash_text.data(), crash_text.size());
    ::_exit(kCrashed);
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::ostringstream content;
    content << in.rdbuf();
    return content.str();
}

/// Nothing is carried out behind what fails. False: something did, which is no output to be recorded.
bool play(const std::string& name, std::vector<Step>& steps, Planted planted) {
    Scene scene(planted);
    bool failed = false;
    for (auto& step : steps) {
        if (step.command.empty()) continue;
        crash_text =
            fmt::format("FAILED: {}: {}: production code stopped the process, see above\n", name, step.command);
        step.output.clear();
        if (failed) continue;
        try {
            step.output = perform(scene, step.command);
        } catch (const BadWords& bad) {
            step.output = {"cannot be understood: " + bad.what};
            failed = true;
        } catch (const Violation& violation) {
            step.output = scene.take_told();
            step.output.push_back(fmt::format("broken: {}: {}", violation.invariant, violation.what));
            failed = true;
        }
        if (failed) fmt::print(stderr, "FAILED: {}: {}: {}\n", name, step.command, step.output.back());
    }
    return !failed;
}

void print_difference(const Step& recorded, const Step& shown) {
    fmt::print(stderr, "  {}\n", shown.command);
    for (const auto& line : recorded.output) fmt::print(stderr, "    - {}\n", line);
    for (const auto& line : shown.output) fmt::print(stderr, "    + {}\n", line);
}

/// The first command whose output differs is enough: those behind it follow from it.
bool compare(const std::filesystem::path& path, const std::vector<Step>& recorded, const std::vector<Step>& shown) {
    for (std::size_t n = 0; n < recorded.size(); ++n) {
        if (recorded[n].output == shown[n].output) continue;
        fmt::print(stderr, "FAILED: {}: shows something else than is recorded\n", path.filename().string());
        print_difference(recorded[n], shown[n]);
        return false;
    }
    return true;
}

std::vector<std::filesystem::path> scripts_in(const std::vector<std::string>& arguments) {
    std::vector<std::filesystem::path> paths;
    for (const auto& argument : arguments) {
        if (!std::filesystem::is_directory(argument)) {
            paths.emplace_back(argument);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(argument))
            if (entry.path().extension() == ".txt") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    return paths;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Runs scenario scripts, and compares what they show with what is recorded below each command.");
    app.footer("Commands:\n" + std::string(kGrammar));
    bool rewrites = false;
    std::vector<std::string> arguments;
    std::string bug;
    app.add_flag("--rewrite", rewrites, "record what they show");
    app.add_option("--planted", bug, "plant this bug, and print what differs");
    app.add_option("files", arguments, "scripts, or folders of them")->required()->check(CLI::ExistingPath);
    CLI11_PARSE(app, argc, argv);
    Planted planted;
    for (const auto& [known, name] : kBugs)
        if (bug == name) planted.bug = known;
    if (!bug.empty() && planted.is(Bug::kNone)) return kUsage;

    std::signal(SIGABRT, on_abort);
    std::size_t failures = 0;
    const auto paths = scripts_in(arguments);
    if (paths.empty()) return kUsage;
    for (const auto& path : paths) {
        const auto recorded = parse(content_of(path));
        auto shown = recorded;
        const bool played = play(path.filename().string(), shown, planted);
        if (rewrites) std::ofstream(path) << text_of(shown);
        const bool same = rewrites || compare(path, recorded, shown);
        if (!played || !same) ++failures;
    }
    fmt::print("{} scenarios, {} failed\n", paths.size(), failures);
    return failures == 0 ? kPassed : kFailed;
}
