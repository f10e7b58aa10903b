#include "zabctl/command_line.hpp"

#include "zabctl/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace zabd::zabctl {
namespace {

constexpr const char* kAbout = "Shell and command line for zabd and Apache ZooKeeper; without a command, the shell.";

/// A number of milliseconds, or one with a unit: "500ms", "10s", "2m".
CLI::Option* duration_option(CLI::App& app, const char* name, std::int64_t& ms, const char* about) {
    static const std::map<std::string, std::int64_t> kUnits{{"ms", 1}, {"s", 1'000}, {"m", 60'000}};
    return app.add_option(name, ms, about)
        ->transform(CLI::AsNumberWithUnit(kUnits))
        ->check(CLI::PositiveNumber)
        ->type_name("TIME")
        ->take_last()
        ->capture_default_str();
}

Identity parse_identity(const std::string& word) {
    const auto colon = word.find(':');
    if (colon == std::string::npos || colon == 0) {
        throw Failure(kUsage, fmt::format("--auth {}: the form is scheme:credentials, as in digest:bob:secret", word));
    }
    return {word.substr(0, colon), word.substr(colon + 1)};
}

}  // namespace

CommandLine::CommandLine(Place place, Settings defaults)
    : app_(place == Place::kProcess ? kAbout : "", place == Place::kProcess ? "zabctl" : ""),
      settings_(std::move(defaults)),
      timeout_ms_(settings_.timeout.count()),
      session_timeout_ms_(settings_.session_timeout.count()) {
    declare_json(app_);
    app_.require_subcommand(0, 1);
    if (place == Place::kProcess) declare_settings();
    declare_commands(place);
}

/// Taken before the command and behind it.
void CommandLine::declare_json(CLI::App& parser) {
    parser.add_flag(kJsonFlag, settings_.json, "Print JSON: one value, or one on each line of a stream");
}

void CommandLine::declare_settings() {
    app_.add_option("--server", settings_.server, "Servers and chroot: host:port,host:port/chroot")
        ->envname(kServerVariable)
        ->take_last()
        ->capture_default_str();
    duration_option(app_, "--timeout", timeout_ms_, "How long to wait for a session, and for each answer");
    duration_option(app_, "--session-timeout", session_timeout_ms_, "What to ask of the server");
    app_.add_option("--auth", identity_words_, "Who we are: scheme:credentials; may be given several times")
        ->allow_extra_args(false);
    app_.add_flag("--read-only", settings_.read_only, "Take a server that has no quorum");
    app_.add_flag("--version", version_, "Print the version");
}

void CommandLine::declare_commands(Place place) {
    for (const auto& family : command_families()) {
        for (const auto& entry : family.commands) {
            if (entry.use == Use::kShellOnly && place == Place::kProcess) continue;
            auto* parser = app_.add_subcommand(std::string(entry.name), std::string(entry.summary));
            parser->group(std::string(family.title))->ignore_case()->fallthrough();
            commands_.push_back(entry.make());
            declare_json(*parser);
            commands_.back()->declare(*parser);
            parsers_.push_back(parser);
        }
    }
}

Invocation CommandLine::parse(const std::vector<std::string>& words) {
    try {
        app_.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the back
    } catch (const CLI::CallForHelp&) {
        const auto chosen = app_.get_subcommands();
        return {settings_, nullptr, chosen.empty() ? app_.help() : chosen.front()->help()};
    } catch (const CLI::ParseError& error) {
        throw usage_failure(error);
    }
    if (version_) return {settings_, nullptr, fmt::format("zabctl {}\n", version())};
    settings_.timeout = client::Millis(timeout_ms_);
    settings_.session_timeout = client::Millis(session_timeout_ms_);
    for (const auto& word : identity_words_) settings_.identities.push_back(parse_identity(word));
    Invocation invocation{settings_, nullptr, {}};
    for (std::size_t i = 0; i < parsers_.size(); ++i) {
        if (parsers_[i]->parsed()) invocation.command = std::move(commands_[i]);
    }
    return invocation;
}

CLI::App* CommandLine::find(std::string_view name) {
    const auto found = std::find_if(parsers_.begin(), parsers_.end(),
                                    [&](const CLI::App* parser) { return parser->check_name(std::string(name)); });
    return found == parsers_.end() ? nullptr : *found;
}

Failure CommandLine::usage_failure(const CLI::ParseError& error) {
    const auto chosen = app_.get_subcommands();
    const auto name = chosen.empty() ? std::string() : chosen.front()->get_name();
    return {kUsage, fmt::format("{}; `help{}` shows how it is used", error.what(), name.empty() ? "" : " " + name)};
}

}  // namespace zabd::zabctl
