// Every key of zoo.cfg: what a value does, or why it does nothing.
#pragma once

#include "server/config.hpp"
#include "server/config_settings.hpp"

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
    std::string_view suffix;  // of the key being read: what a * of its name stands for
    EnsembleLines ensemble;
    int init_limit = 0;
    int sync_limit = 0;
    bool listen_on_all_ips = false;
    bool standalone_enabled = true;  // one participant is no ensemble
    std::optional<bool> peer_type_observer;
    std::optional<milliseconds> hold_max;
    bool admin_tls_wanted = false;
    GivenValues given;  // of keys that have an effect
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
