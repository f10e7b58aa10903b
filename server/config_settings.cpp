#include "server/config_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace zabd::server {
namespace {

std::string text(bool value) { return value ? "true" : "false"; }
std::string text(milliseconds value) { return std::to_string(value.count()); }
std::string text(const std::string& value) { return value; }
std::string text(const std::filesystem::path& value) { return value.string(); }
template <class Number>
requires std::integral<Number> &&(!std::same_as<Number, bool>)std::string text(Number value) {
    return std::to_string(value);
}
template <class Strings>
requires std::same_as<Strings, std::set<std::string>> || std::same_as<Strings, std::vector<std::string>> std::string
text(const Strings& values) {
    return fmt::format("{}", fmt::join(values, ","));
}

std::string hidden(bool there_is_one) { return there_is_one ? "***" : ""; }
std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20); }

using Show = std::string (*)(const Config&);

template <auto Config::*member>
std::string show(const Config& config) {
    return text(config.*member);
}
template <auto part, auto member>
std::string show_part(const Config& config) {
    return text(config.*part.*member);
}

struct Row {
    const char* key;
    Show show;
    bool derived = false;  // if the file does not say it
};

/// A key of the command line that wins over the file.
bool overridden(std::string_view key, const Overrides& overrides) {
    if (key == "clientPort") return overrides.client_port.has_value();
    if (key == "clientPortAddress") return overrides.client_address.has_value();
    return (key == "dataDir" || key == "dataLogDir") && overrides.data_dir.has_value();
}

// Rows of keys that always have a value, in the order of docs/operations.md.
constexpr Row kRows[] = {
    {"clientPort", show<&Config::client_port>},
    {"clientPortAddress", show<&Config::client_address>},
    {"clientPortListenBacklog", show<&Config::client_backlog>},
    {"maxClientCnxns", show<&Config::connections_per_address_max>},
    {"maxCnxns", show<&Config::connections_max>},
    {"jute.maxbuffer", show<&Config::frame_bytes_max>},
    {"jute.maxbuffer.extrasize", show<&Config::txn_bytes_extra>, true},
    {"nio.sessionlessCnxnTimeout", show<&Config::first_frame_timeout>},
    {"clientTcpKeepAlive", show<&Config::keep_alive>},
    {"4lw.commands.whitelist", show<&Config::words>},
    {"readonlymode.enabled", show<&Config::read_only_enabled>},
    {"dataDir", show<&Config::data_dir>},
    {"dataLogDir", show<&Config::log_dir>, true},
    {"datadir.autocreate", show<&Config::create_directories>},
    {"snapCount", [](const Config& config) { return text(config.checkpoint.transactions); }},
    {"zabd.checkpoint.memoryMiB", [](const Config& config) { return mebibytes(config.checkpoint.bytes); }},
    {"zabd.checkpoint.logMiB", [](const Config& config) { return mebibytes(config.checkpoint.log_bytes); }},
    {"zabd.checkpoint.ageMs", [](const Config& config) { return text(config.checkpoint.age); }},
    {"zabd.checkpoint.quietMs", [](const Config& config) { return text(config.checkpoint.quiet); }},
    {"preAllocSize", [](const Config& config) { return text(config.log_segment_bytes >> 10); }},
    {"fsync.warningthresholdms", show<&Config::slow_sync>},
    {"tickTime", show<&Config::tick>},
    {"minSessionTimeout", show<&Config::session_timeout_min>, true},
    {"maxSessionTimeout", show<&Config::session_timeout_max>, true},
    {"globalOutstandingLimit", show<&Config::outstanding_max>},
    {"extendedTypesEnabled", show<&Config::ttl_nodes>},
    {"reconfigEnabled", show<&Config::reconfig_enabled>},
    {"enforceQuota", show<&Config::enforce_quota>},
    {"znode.container.checkIntervalMs", show<&Config::container_check_interval>},
    {"znode.container.maxPerMinute", show<&Config::containers_per_minute_max>},
    {"znode.container.maxNeverUsedIntervalMs", show<&Config::container_never_used_max>},
    {"skipACL", [](const Config& config) { return std::string(config.skip_acl ? "yes" : "no"); }},
    {"DigestAuthenticationProvider.enabled", show<&Config::digest_enabled>},
    {"DigestAuthenticationProvider.superDigest",
     [](const Config& config) { return hidden(!config.super_digest.empty()); }},
    {"enforce.auth.enabled", [](const Config& config) { return text(!config.enforced_schemes.empty()); }},
    {"enforce.auth.schemes", show<&Config::enforced_schemes>},
    {"zabd.holdMs", show<&Config::hold_max>, true},
    {"zabd.linearizableReads", show<&Config::linearizable_reads>},
    {"zabd.log.retainMiB", [](const Config& config) { return mebibytes(config.log_retain_bytes); }},
    {"zabd.epochCounterMax", show<&Config::epoch_counter_max>},
    {"zabd.zookeeperPasswords", show<&Config::zookeeper_passwords>},
    {"admin.enableServer", show_part<&Config::admin, &AdminConfig::enabled>},
    {"admin.serverAddress", show_part<&Config::admin, &AdminConfig::address>},
    {"admin.serverPort", show_part<&Config::admin, &AdminConfig::port>},
    {"admin.commandURL", show_part<&Config::admin, &AdminConfig::command_url>},
    {"admin.forceHttps", [](const Config& config) { return text(!config.admin.tls_key.empty()); }, true},
    {"zabd.admin.operatorToken", [](const Config& config) { return hidden(!config.admin.operator_token.empty()); }},
    {"zabd.admin.readerToken", [](const Config& config) { return hidden(!config.admin.reader_token.empty()); }},
    {"zabd.admin.operators", [](const Config& config) { return hidden(!config.admin.operators.empty()); }},
    {"zabd.admin.readers", [](const Config& config) { return hidden(!config.admin.readers.empty()); }},
    {"zabd.admin.hosts", show_part<&Config::admin, &AdminConfig::hosts>},
    {"zabd.admin.tlsCertificate", show_part<&Config::admin, &AdminConfig::tls_certificate>},
    {"zabd.admin.tlsKey", show_part<&Config::admin, &AdminConfig::tls_key>},
    {"metricsProvider.className",
     [](const Config& config) {
         return std::string("org.apache.zookeeper.metrics.") +
                (config.metrics.enabled ? "prometheus.PrometheusMetricsProvider" : "impl.DefaultMetricsProvider");
     }},
    {"metricsProvider.httpHost", show_part<&Config::metrics, &MetricsConfig::address>},
    {"metricsProvider.httpPort", show_part<&Config::metrics, &MetricsConfig::port>},
    {"audit.enable", show_part<&Config::audit, &AuditConfig::enabled>},
    {"zabd.audit.file",
     [](const Config& config) {
         return text(config.audit.file.empty() ? config.data_dir / "audit.log" : config.audit.file);
     },
     true},
    {"zabd.audit.fileMaxMiB", [](const Config& config) { return mebibytes(config.audit.file_bytes_max); }},
    {"zabd.audit.filesMax", show_part<&Config::audit, &AuditConfig::files_max>},
    {"zabd.slowRequestMs", show<&Config::slow_request>},
};

// Keys whose effect is in others' values, or that are many: shown as given, if they are.
constexpr std::string_view kAsGiven[] = {"server.",
                                         "group.",
                                         "weight.",
                                         "peerType",
                                         "initLimit",
                                         "syncLimit",
                                         "quorumListenOnAllIPs",
                                         "standaloneEnabled",
                                         "zabd.admin.operatorTokenFile",
                                         "zabd.admin.readerTokenFile"};

bool shown_as_given(std::string_view key) {
    return std::ranges::any_of(
        kAsGiven, [&](std::string_view name) { return name.ends_with('.') ? key.starts_with(name) : key == name; });
}

std::string source_of(const Row& row, const GivenValues& given, const Overrides& overrides) {
    if (overridden(row.key, overrides)) return "command line";
    if (const auto line = given.find(row.key); line != given.end()) return line->second.place;
    // A token from a file of its own.
    if (const auto line = given.find(std::string(row.key) + "File"); line != given.end()) return line->second.place;
    return row.derived ? "derived" : "default";
}

}  // namespace

std::vector<Setting> settings_of(const Config& config, const GivenValues& given, const Overrides& overrides) {
    std::vector<Setting> settings;
    for (const auto& row : kRows) {
        settings.push_back({.key = row.key, .value = row.show(config), .source = source_of(row, given, overrides)});
    }
    for (const auto& [key, line] : given) {
        if (shown_as_given(key)) settings.push_back({.key = key, .value = line.value, .source = line.place});
    }
    return settings;
}

}  // namespace zabd::server
