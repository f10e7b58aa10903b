// Every key of zoo.cfg: what a value does, or why it does nothing.
#pragma once

#include "server/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zabd::server {

/// A configuration being read: what cannot be decided before the last line.
struct ConfigDraft {
    Config config;
    bool has_data_dir = false;
    bool has_log_dir = false;
    bool has_address = false;
    std::optional<std::uint16_t> port;
    std::optional<milliseconds> session_timeout_min;
    std::optional<milliseconds> session_timeout_max;
    std::optional<std::size_t> txn_bytes_extra;
    bool enforce_auth = false;
    std::size_t voters = 0;  // server.N lines
    std::size_t observers = 0;
    std::optional<std::uint16_t> port_of_server;  // behind the semicolon of a server.N line
};

/// What became of a value.
struct KeyOutcome {
    enum class Kind { kFine, kWarning, kError } kind = Kind::kFine;
    std::string text;     // goes on behind "zoo.cfg:12: key=value "
    bool secret = false;  // then the value is not shown
};

struct ConfigKey {
    std::string_view name;  // as in the file, without "zookeeper."; a * at the end stands for anything
    KeyOutcome (*apply)(ConfigDraft& draft, std::string_view value) = nullptr;  // null: known, without effect
    const char* why_not = nullptr;                                              // of a key without effect: the reason
};

[[nodiscard]] std::span<const ConfigKey> config_keys();
/// nullptr: no such key. `name` with or without "zookeeper." in front.
[[nodiscard]] const ConfigKey* find_config_key(std::string_view name);

}  // namespace zabd::server
