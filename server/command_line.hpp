// The command line, and what zabd says on its terminal.
#pragma once

#include "server/config.hpp"
#include "server/export.hpp"
#include "server/import.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace zabd::server {

// As ZooKeeper's. A broken invariant or a disk that fails while running ends the process by SIGABRT.
inline constexpr int kExitNormal = 0;
inline constexpr int kExitUnexpected = 1;  // cannot listen, or anything that has no number of its own
inline constexpr int kExitBadConfig = 2;
inline constexpr int kExitNoData = 3;  // the data directory cannot be used: access, damage, another process has it

struct Command {
    Config config;
    std::string answer;  // of --help or --version: to be printed instead of serving
    /// To be done instead of serving.
    std::variant<std::monostate, ImportOptions, ExportOptions> conversion{};
};

/// Errc::kBadConfig with what is wrong.
Result<Command> parse_command_line(int argument_count, const char* const* arguments);

/// A few lines: where it listens, where its data are, how to try it.
[[nodiscard]] std::string greeting(const Config& config, std::uint16_t port, std::string_view admin_url = {});

}  // namespace zabd::server
