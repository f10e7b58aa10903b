// From words to a command with its arguments: the process's own, or a line's of the shell.
#pragma once

#include "zabctl/command.hpp"
#include "zabctl/settings.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

inline constexpr const char* kJsonFlag = "--json";

struct Invocation {
    Settings settings;
    std::unique_ptr<Command> command;  // nullptr: none was named, or there is an answer
    std::string answer;                // to --help and --version
};

class CommandLine {
public:
    enum class Place : std::uint8_t { kProcess, kShell };

    /// In the shell only --json is taken beside the command, for the line alone.
    CommandLine(Place place, Settings defaults);
    CommandLine(const CommandLine&) = delete;  // the parser points into it
    CommandLine& operator=(const CommandLine&) = delete;

    /// Once for each object. Throws Failure (kUsage).
    [[nodiscard]] Invocation parse(const std::vector<std::string>& words);

    /// The parser of one command, for completion and help; nullptr if there is none of that name.
    [[nodiscard]] CLI::App* find(std::string_view name);
    [[nodiscard]] std::string help() { return app_.help(); }

private:
    void declare_json(CLI::App& parser);
    void declare_settings();
    void declare_commands(Place place);
    [[nodiscard]] Failure usage_failure(const CLI::ParseError& error);

    CLI::App app_;
    Settings settings_;
    std::vector<std::string> identity_words_;
    std::int64_t timeout_ms_;
    std::int64_t session_timeout_ms_;
    bool version_ = false;
    std::vector<std::unique_ptr<Command>> commands_;
    std::vector<CLI::App*> parsers_;  // of commands_
};

}  // namespace zabd::zabctl
