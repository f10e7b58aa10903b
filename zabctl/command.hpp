// A command of zabctl: what it takes, and what it does. The same objects serve the command line, the shell, completion,
// help and the documentation.
//
//     struct Sync : Command {
//         std::string path;
//         void declare(CLI::App& app) override { path_argument(app, path); }
//         asio::awaitable<void> run(Context& context) override { ... }
//     };
#pragma once

#include "zabctl/context.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

class Command {
public:
    virtual ~Command() = default;
    /// Its flags and arguments, bound to members of its own.
    virtual void declare(CLI::App& app) = 0;
    /// Called once, after the members have been set. Throws Failure or system_error.
    virtual boost::asio::awaitable<void> run(Context& context) = 0;
};

enum class Use : std::uint8_t { kAnywhere, kShellOnly };

struct CommandEntry {
    std::string_view name;
    std::string_view summary;
    std::unique_ptr<Command> (*make)();
    Use use = Use::kAnywhere;
};

template <class T>
CommandEntry entry(std::string_view name, std::string_view summary, Use use = Use::kAnywhere) {
    return {name, summary, [] { return std::unique_ptr<Command>(std::make_unique<T>()); }, use};
}

struct CommandFamily {
    std::string_view title;
    std::vector<CommandEntry> commands;
};

// One file each, named so.
CommandFamily read_commands();
CommandFamily write_commands();
CommandFamily acl_commands();
CommandFamily watch_commands();
CommandFamily quota_commands();
CommandFamily transfer_commands();
CommandFamily ensemble_commands();
CommandFamily lock_commands();
CommandFamily bench_commands();
CommandFamily shell_commands();

/// All of the above, in the order of the documentation.
const std::vector<CommandFamily>& command_families();

// --- what many commands take ---

/// What an argument is, for completion; it stands in the help, too.
inline constexpr const char* kPathType = "PATH";
inline constexpr const char* kCommandType = "COMMAND";

CLI::Option* path_argument(CLI::App& app, std::string& path);
/// "/" unless given.
CLI::Option* optional_path_argument(CLI::App& app, std::string& path);
CLI::Option* version_option(CLI::App& app, std::int32_t& version);
CLI::Option* stat_flag(CLI::App& app, bool& with_stat);
CLI::Option* watch_flag(CLI::App& app, bool& watch);

}  // namespace zabd::zabctl
