// The configuration: zoo.cfg and the command line, validated, once.
//
// Source    ZooKeeper's own file, unchanged. Which keys act, which are only known: docs/operations.md, and the table in
//           config_keys.cpp, which holds every key and its verdict. A member of an ensemble learns its number from the
//           file myid in its dataDir.
// Errors    Errc::kBadConfig, as "zoo.cfg:12: tickTime=abc is not a number of ms". A key that zabd does not act on, or
//           does not know, is a warning by name; one that would be dangerous to ignore is an error.
#pragma once

#include "server/core/options.hpp"
#include "server/ensemble.hpp"
#include "storage/checkpoint_writer.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server {

using std::chrono::milliseconds;

/// The HTTP endpoint. Without any credentials everybody may read, nobody write, and only loopback is bound.
struct AdminConfig {
    bool enabled = true;
    std::string address = "127.0.0.1";  // empty: all of this machine's
    std::uint16_t port = 8080;
    bool port_given = false;  // then a port that is taken is an error, else a warning
    std::string command_url = "/commands";
    std::string operator_token;             // secret: never shown; empty: there is none
    std::string reader_token;               // secret
    std::vector<std::string> operators;     // "user:base64(SHA-1(user:password))"; secret
    std::vector<std::string> readers;       // secret
    std::vector<std::string> hosts;         // names that requests may be for, besides loopback's and `address`
    std::filesystem::path tls_certificate;  // PEM; both or none
    std::filesystem::path tls_key;          // PEM

    [[nodiscard]] bool has_credentials() const {
        return !operator_token.empty() || !reader_token.empty() || !operators.empty() || !readers.empty();
    }
};

/// A second place for /metrics, without credentials: as ZooKeeper's Prometheus provider.
struct MetricsConfig {
    bool enabled = false;
    std::string address = "127.0.0.1";
    std::uint16_t port = 7000;
};

struct AuditConfig {
    bool enabled = false;
    std::filesystem::path file;             // empty: audit.log in the data directory
    std::size_t file_bytes_max = 64 << 20;  // then it is rotated
    std::size_t files_max = 10;             // kept besides the current one
};

/// For who asks what is in force, and why.
struct Setting {
    std::string key;
    std::string value;   // "***" of a secret
    std::string source;  // "zoo.cfg:12", "default", "command line", "derived"
};

/// Values in here are as they will be used: defaults filled in, limits derived.
struct Config {
    std::filesystem::path file;  // empty: there was none

    // The client port.
    std::string client_address = "127.0.0.1";  // empty: all of this machine's
    std::uint16_t client_port = 2181;
    int client_backlog = -1;                       // below 0: the system's maximum
    std::size_t connections_per_address_max = 60;  // 0: no limit
    std::size_t connections_max = 0;               // 0: no limit
    std::size_t frame_bytes_max = 1048575;         // of a request
    std::size_t txn_bytes_extra = 1048575;         // by which a transaction may be longer
    milliseconds first_frame_timeout{10'000};      // for a connection to ask for a session
    bool keep_alive = false;                       // TCP's probes on client connections
    std::set<std::string> words{"srvr"};           // four-letter words that are answered

    // Data.
    std::filesystem::path data_dir = "zabd-data";
    std::filesystem::path log_dir = "zabd-data";
    bool create_directories = true;
    std::size_t log_segment_bytes = 16 << 20;
    storage::CheckpointTriggers checkpoint;
    milliseconds slow_sync{1000};  // a sync of the log that takes longer is warned about

    // Sessions and requests.
    milliseconds tick{2000};
    milliseconds session_timeout_min{4000};
    milliseconds session_timeout_max{40'000};
    std::size_t outstanding_max = 1000;  // requests in flight before clients are held back
    bool ttl_nodes = false;
    bool reconfig_enabled = false;
    bool enforce_quota = false;
    bool skip_acl = false;
    bool digest_enabled = true;
    std::string super_digest;                   // secret: never shown
    std::vector<std::string> enforced_schemes;  // a client must have an identity of one of these; empty: need not
    milliseconds container_check_interval{60'000};
    std::uint32_t containers_per_minute_max = 10'000;
    milliseconds container_never_used_max{0};  // 0: such containers stay

    // The ensemble; without it this server is alone.
    std::optional<Ensemble> ensemble;
    milliseconds hold_max{2000};                   // clients' requests wait so long for a leader
    bool linearizable_reads = false;               // every read is confirmed by a quorum
    bool zookeeper_passwords = true;               // see core::Options
    bool read_only_enabled = false;                // cut off from a quorum, clients that asked for it may read
    std::uint64_t log_retain_bytes = 64 << 20;     // of log behind the checkpoint, kept for members that lag
    Counter epoch_counter_max = zab::kCounterMax;  // of an epoch's transactions; then the next one begins

    // Seeing into it.
    AdminConfig admin;
    MetricsConfig metrics;
    AuditConfig audit;
    milliseconds slow_request{1000};  // a request that takes longer is named in the log with its stages; 0: none is

    std::string log_level = "info";
    std::vector<Setting> settings;      // every key that has an effect
    std::vector<std::string> warnings;  // to be logged once there is a log
};

/// What wins over the file.
struct Overrides {
    std::optional<std::uint16_t> client_port;
    std::optional<std::string> client_address;
    std::optional<std::filesystem::path> data_dir;  // of the log too
};

/// A file's text; `name` stands in messages. What it does not say has ZooKeeper's default, not that of Config.
Result<Config> parse_config(std::string_view text, const std::string& name, const Overrides& overrides = {});
Result<Config> read_config(const std::filesystem::path& file, const Overrides& overrides = {});

}  // namespace zabd::server
