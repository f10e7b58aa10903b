#include "server/config_keys.hpp"

#include "server/config_keys_seeing.hpp"
#include "server/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::server {
namespace {

using Kind = KeyOutcome::Kind;

constexpr std::size_t kSegmentBytesMin = 1 << 20;
constexpr std::size_t kSegmentBytesMax = std::size_t{1} << 30;
constexpr std::size_t kExtraBytesMin = 1024;

// --- values of the configuration ---------------------------------------------------------------------------------------

template <milliseconds Config::*member, std::int64_t min = 0>
KeyOutcome set_milliseconds(ConfigDraft& draft, std::string_view value) {
    const Range range{.min = min, .unit = " of ms"};
    return with_number(value, range, [&](std::int64_t ms) { draft.config.*member = milliseconds{ms}; });
}

/// A limit where nothing and less mean none.
template <std::size_t Config::*member>
KeyOutcome set_limit(ConfigDraft& draft, std::string_view value) {
    return with_number(value, kAnyInt, [&](std::int64_t limit) {
        draft.config.*member = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
    });
}

/// Keys that are properties to ZooKeeper: all but true is false.
template <bool Config::*member>
KeyOutcome set_flag(ConfigDraft& draft, std::string_view value) {
    return with_flag(value, [&](bool yes) { draft.config.*member = yes; });
}

// --- the client port -------------------------------------------------------------------------------------------------

KeyOutcome set_client_port(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.max = 65535}, [&](std::int64_t p) { draft.port = static_cast<std::uint16_t>(p); });
}

KeyOutcome set_client_address(ConfigDraft& draft, std::string_view value) {
    draft.has_address = true;
    draft.config.client_address = value;
    return fine();
}

KeyOutcome set_backlog(ConfigDraft& draft, std::string_view value) {
    return with_number(value, kAnyInt, [&](std::int64_t n) { draft.config.client_backlog = static_cast<int>(n); });
}

KeyOutcome set_words(ConfigDraft& draft, std::string_view value) {
    for (auto& word : comma_list(value)) draft.config.words.insert(std::move(word));
    return fine();
}

KeyOutcome set_read_only_mode(ConfigDraft& draft, std::string_view value) {
    draft.config.read_only_enabled = equal_but_for_case("true", value);
    if (draft.config.read_only_enabled) draft.config.words.insert("isro");
    return fine();
}

KeyOutcome set_frame_bytes(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of bytes"},
                       [&](std::int64_t n) { draft.config.frame_bytes_max = static_cast<std::size_t>(n); });
}

KeyOutcome set_extra_bytes(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 0, .unit = " of bytes"}, [&](std::int64_t n) {
        draft.txn_bytes_extra = std::max(static_cast<std::size_t>(n), kExtraBytesMin);
    });
}

KeyOutcome refuse_tls(ConfigDraft&, std::string_view) {
    return error("asks for TLS, which zabd does not have yet: remove it to serve without");
}

KeyOutcome check_connection_factory(ConfigDraft&, std::string_view value) {
    const bool known = value == "org.apache.zookeeper.server.NIOServerCnxnFactory" ||
                       value == "org.apache.zookeeper.server.NettyServerCnxnFactory";
    return known ? fine() : warning("is a class that zabd cannot load: it has no effect");
}

// --- data ------------------------------------------------------------------------------------------------------------

KeyOutcome set_data_dir(ConfigDraft& draft, std::string_view value) {
    if (value.empty()) return error("names no directory");
    draft.has_data_dir = true;
    draft.config.data_dir = value;
    return fine();
}

KeyOutcome set_log_dir(ConfigDraft& draft, std::string_view value) {
    if (value.empty()) return error("names no directory");
    draft.has_log_dir = true;
    draft.config.log_dir = value;
    return fine();
}

KeyOutcome set_checkpoint_transactions(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.unit = " of transactions"}, [&](std::int64_t n) {
        draft.config.checkpoint.transactions = static_cast<std::uint64_t>(std::max<std::int64_t>(n, 2));
    });
}

KeyOutcome set_checkpoint_memory(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of MiB"}, [&](std::int64_t mebibytes) {
        auto& triggers = draft.config.checkpoint;
        triggers.bytes = static_cast<std::uint64_t>(mebibytes) << 20;
        triggers.bytes_max = triggers.bytes / 2 * 5;  // the batch being written, and the next one
    });
}

KeyOutcome set_checkpoint_log(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of MiB"}, [&](std::int64_t mebibytes) {
        draft.config.checkpoint.log_bytes = static_cast<std::uint64_t>(mebibytes) << 20;
    });
}

template <Millis storage::CheckpointTriggers::*member>
KeyOutcome set_checkpoint_time(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of ms"},
                       [&](std::int64_t ms) { draft.config.checkpoint.*member = Millis{ms}; });
}

KeyOutcome set_segment_bytes(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of KB"}, [&](std::int64_t kb) {
        draft.config.log_segment_bytes =
            std::clamp(static_cast<std::size_t>(kb) << 10, kSegmentBytesMin, kSegmentBytesMax);
    });
}

KeyOutcome check_force_sync(ConfigDraft&, std::string_view value) {
    return value == "yes" ? fine() : warning("has no effect: zabd syncs before it answers, always");
}

// --- sessions and requests -------------------------------------------------------------------------------------------

KeyOutcome set_session_timeout_min(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = -1, .unit = " of ms"}, [&](std::int64_t ms) {
        if (ms >= 0) draft.session_timeout_min = milliseconds{ms};
    });
}

KeyOutcome set_session_timeout_max(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = -1, .unit = " of ms"}, [&](std::int64_t ms) {
        if (ms >= 0) draft.session_timeout_max = milliseconds{ms};
    });
}

KeyOutcome set_outstanding(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of requests"},
                       [&](std::int64_t n) { draft.config.outstanding_max = static_cast<std::size_t>(n); });
}

KeyOutcome set_reconfig(ConfigDraft& draft, std::string_view value) {
    return with_bool(value, [&](bool yes) { return draft.config.reconfig_enabled = yes, fine(); });
}

KeyOutcome check_local_sessions(ConfigDraft&, std::string_view value) {
    return with_bool(value, [](bool yes) { return yes ? warning("has no effect: all sessions are durable") : fine(); });
}

KeyOutcome set_containers_per_minute(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.min = 1, .unit = " of nodes"},
                       [&](std::int64_t n) { draft.config.containers_per_minute_max = static_cast<std::uint32_t>(n); });
}

// --- security --------------------------------------------------------------------------------------------------------

KeyOutcome set_skip_acl(ConfigDraft& draft, std::string_view value) {
    draft.config.skip_acl = value == "yes";
    return draft.config.skip_acl ? warning("lets everybody do everything: ACLs are not checked") : fine();
}

KeyOutcome set_super_digest(ConfigDraft& draft, std::string_view value) {
    draft.config.super_digest = value;
    if (value.find(':') == std::string_view::npos) {
        return {.kind = Kind::kError, .text = "is not of the form user:base64", .secret = true};
    }
    return fine();
}

KeyOutcome check_digest_algorithm(ConfigDraft&, std::string_view value) {
    const bool sha1 = value.empty() || equal_but_for_case("sha1", value) || equal_but_for_case("sha-1", value);
    return sha1 ? fine() : error("is not supported: zabd has SHA1 only, so no identity would match its ACLs");
}

KeyOutcome set_enforce_auth(ConfigDraft& draft, std::string_view value) {
    draft.enforce_auth = equal_but_for_case("true", value);
    return fine();
}

KeyOutcome set_enforced_schemes(ConfigDraft& draft, std::string_view value) {
    draft.config.enforced_schemes = comma_list(value);
    for (const auto& scheme : draft.config.enforced_schemes) {
        if (scheme != "digest" && scheme != "ip") {
            return error("names a scheme that nobody can have here: zabd knows digest and ip");
        }
    }
    return fine();
}

KeyOutcome refuse_sasl_required(ConfigDraft&, std::string_view value) {
    if (!equal_but_for_case("true", value)) return fine();
    return error("asks for SASL, which zabd does not have yet");
}

KeyOutcome check_auth_provider(ConfigDraft&, std::string_view value) {
    static constexpr std::string_view kPackage = "org.apache.zookeeper.server.auth.";
    if (!value.starts_with(kPackage)) return error("is a class that zabd cannot load: remove it to do without");
    const auto name = value.substr(kPackage.size());
    if (name == "DigestAuthenticationProvider" || name == "IPAuthenticationProvider") return fine();
    const bool upstream = name == "SASLAuthenticationProvider" || name == "X509AuthenticationProvider" ||
                          name == "EnsembleAuthenticationProvider";
    if (!upstream) return error("is a class that zabd cannot load: remove it to do without");
    return warning("has no effect: zabd does not have this scheme yet, and nobody will match ACLs that use it");
}

// --- ensembles -------------------------------------------------------------------------------------------------------

/// The number behind server. or weight.
std::optional<ServerId> server_number(std::string_view text) {
    const auto result = number(text);
    if (!result || *result < kServerNumberMin || *result > kServerNumberMax) return std::nullopt;
    return ServerId{static_cast<std::uint8_t>(*result)};
}

KeyOutcome no_server_number() {
    return error(fmt::format("is for a server whose number is not from {} to {}", kServerNumberMin, kServerNumberMax));
}

KeyOutcome add_server(ConfigDraft& draft, std::string_view value) {
    const auto id = server_number(draft.suffix);
    if (!id) return no_server_number();
    auto server = parse_server(value);
    if (!server) return error(std::move(server.error().where));
    draft.ensemble.servers.insert_or_assign(*id, std::move(*server));
    return fine();
}

KeyOutcome add_group(ConfigDraft& draft, std::string_view value) {
    const auto group = number(draft.suffix);
    if (!group) return error("is a group without a number");
    auto& servers = draft.ensemble.groups[*group];
    while (!value.empty()) {
        const auto item = value.substr(0, value.find(':'));
        value.remove_prefix(std::min(value.size(), item.size() + 1));
        const auto id = server_number(item);
        if (!id) return error("is not a list of servers' numbers with colons between");
        servers.insert(*id);
    }
    return servers.empty() ? error("is a group without servers") : fine();
}

KeyOutcome set_weight(ConfigDraft& draft, std::string_view value) {
    const auto id = server_number(draft.suffix);
    if (!id) return no_server_number();
    return with_number(value, {}, [&](std::int64_t weight) { draft.ensemble.weights[*id] = weight; });
}

template <int ConfigDraft::*member>
KeyOutcome set_ticks(ConfigDraft& draft, std::string_view value) {
    const Range range{.min = 1, .unit = " of ticks"};
    return with_number(value, range, [&](std::int64_t ticks) { draft.*member = static_cast<int>(ticks); });
}

template <bool ConfigDraft::*member>
KeyOutcome set_bool(ConfigDraft& draft, std::string_view value) {
    return with_bool(value, [&](bool yes) { return draft.*member = yes, fine(); });
}

KeyOutcome set_hold(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.unit = " of ms"}, [&](std::int64_t ms) { draft.hold_max = milliseconds{ms}; });
}

KeyOutcome set_log_retained(ConfigDraft& draft, std::string_view value) {
    return with_number(value, {.unit = " of MiB"}, [&](std::int64_t mebibytes) {
        draft.config.log_retain_bytes = static_cast<std::uint64_t>(mebibytes) << 20;
    });
}

KeyOutcome set_epoch_counter(ConfigDraft& draft, std::string_view value) {
    const Range range{.min = 1, .max = zab::kCounterMax, .unit = " of transactions"};
    return with_number(value, range,
                       [&](std::int64_t count) { draft.config.epoch_counter_max = static_cast<Counter>(count); });
}

KeyOutcome refuse_dynamic_file(ConfigDraft&, std::string_view) {
    return error("is for reconfiguration, which zabd does not have yet: put the lines of that file into this one");
}

KeyOutcome check_leader_serves(ConfigDraft&, std::string_view value) {
    return value == "yes" ? fine() : warning("has no effect: a leader serves clients, always");
}

KeyOutcome check_election(ConfigDraft&, std::string_view value) {
    return value == "3" ? fine() : error("is not supported: 3 is the only election there is");
}

KeyOutcome set_peer_type(ConfigDraft& draft, std::string_view value) {
    if (value != "participant" && value != "observer") return error("is neither participant nor observer");
    draft.peer_type_observer = value == "observer";
    return fine();
}

KeyOutcome check_ssl_quorum(ConfigDraft&, std::string_view value) {
    return with_bool(value,
                     [](bool yes) { return yes ? error("asks for TLS, which zabd does not have yet") : fine(); });
}

/// Only the value false does what it says.
KeyOutcome off_only(ConfigDraft&, std::string_view value) {
    return equal_but_for_case("false", value) ? fine() : warning("has no effect: zabd does not have this yet");
}

// --- the table -------------------------------------------------------------------------------------------------------

constexpr const char* kEnsemble = "is for the insides of ensembles of the Java server";
constexpr const char* kNotYet = "is for what zabd does not have yet";
constexpr const char* kTls = "is for TLS, which zabd does not have yet";
constexpr const char* kSasl = "is for SASL, which zabd does not have yet";
constexpr const char* kJava = "is for the insides of the Java server";
constexpr const char* kAdminConnections = "is for connections that stay open between requests: zabd closes each";
constexpr const char* kMetricsInside = "is for the insides of the Java server's metrics";
constexpr const char* kAudit = "is for the Java server's audit loggers: see zabd.audit.file";
constexpr const char* kStorage = "is for ZooKeeper's snapshots and logs; zabd's are kept in another way";

// The order of docs/operations.md. Of several that match, an exact name wins, else the first.
constexpr ConfigKey kKeys[] = {
    {"clientPort", set_client_port},
    {"clientPortAddress", set_client_address},
    {"clientPortListenBacklog", set_backlog},
    {"maxClientCnxns", set_limit<&Config::connections_per_address_max>},
    {"maxCnxns", set_limit<&Config::connections_max>},
    {"jute.maxbuffer", set_frame_bytes},
    {"jute.maxbuffer.extrasize", set_extra_bytes},
    {"nio.sessionlessCnxnTimeout", set_milliseconds<&Config::first_frame_timeout, 1>},
    {"clientTcpKeepAlive", set_flag<&Config::keep_alive>},
    {"4lw.commands.whitelist", set_words},
    {"readonlymode.enabled", set_read_only_mode},
    {"dataDir", set_data_dir},
    {"dataLogDir", set_log_dir},
    {"datadir.autocreate", set_flag<&Config::create_directories>},
    {"snapCount", set_checkpoint_transactions},
    {"zabd.checkpoint.memoryMiB", set_checkpoint_memory},
    {"zabd.checkpoint.logMiB", set_checkpoint_log},
    {"zabd.checkpoint.ageMs", set_checkpoint_time<&storage::CheckpointTriggers::age>},
    {"zabd.checkpoint.quietMs", set_checkpoint_time<&storage::CheckpointTriggers::quiet>},
    {"preAllocSize", set_segment_bytes},
    {"fsync.warningthresholdms", set_milliseconds<&Config::slow_sync>},
    {"forceSync", check_force_sync},
    {"tickTime", set_milliseconds<&Config::tick, 1>},
    {"minSessionTimeout", set_session_timeout_min},
    {"maxSessionTimeout", set_session_timeout_max},
    {"globalOutstandingLimit", set_outstanding},
    {"extendedTypesEnabled", set_flag<&Config::ttl_nodes>},
    {"reconfigEnabled", set_reconfig},
    {"enforceQuota", set_flag<&Config::enforce_quota>},
    {"znode.container.checkIntervalMs", set_milliseconds<&Config::container_check_interval, 1>},
    {"znode.container.maxPerMinute", set_containers_per_minute},
    {"znode.container.maxNeverUsedIntervalMs", set_milliseconds<&Config::container_never_used_max>},
    {"skipACL", set_skip_acl},
    {"DigestAuthenticationProvider.enabled", set_flag<&Config::digest_enabled>},
    {"DigestAuthenticationProvider.superDigest", set_super_digest},
    {"DigestAuthenticationProvider.digestAlg", check_digest_algorithm},
    {"enforce.auth.enabled", set_enforce_auth},
    {"enforce.auth.schemes", set_enforced_schemes},
    {"server.*", add_server},
    {"group.*", add_group},
    {"weight.*", set_weight},
    {"peerType", set_peer_type},
    {"initLimit", set_ticks<&ConfigDraft::init_limit>},
    {"syncLimit", set_ticks<&ConfigDraft::sync_limit>},
    {"quorumListenOnAllIPs", set_bool<&ConfigDraft::listen_on_all_ips>},
    {"standaloneEnabled", set_bool<&ConfigDraft::standalone_enabled>},
    {"zabd.holdMs", set_hold},
    {"zabd.linearizableReads", set_flag<&Config::linearizable_reads>},
    {"zabd.log.retainMiB", set_log_retained},
    {"zabd.epochCounterMax", set_epoch_counter},
    {"zabd.zookeeperPasswords", set_flag<&Config::zookeeper_passwords>},
    {"admin.enableServer", set_admin_enabled},
    {"admin.serverAddress", set_admin_address},
    {"admin.serverPort", set_admin_port},
    {"admin.commandURL", set_admin_command_url},
    {"zabd.admin.operatorToken", set_operator_token},
    {"zabd.admin.operatorTokenFile", set_operator_token_file},
    {"zabd.admin.readerToken", set_reader_token},
    {"zabd.admin.readerTokenFile", set_reader_token_file},
    {"zabd.admin.operators", set_operators},
    {"zabd.admin.readers", set_readers},
    {"zabd.admin.hosts", set_admin_hosts},
    {"zabd.admin.tlsCertificate", set_admin_certificate},
    {"zabd.admin.tlsKey", set_admin_key},
    {"metricsProvider.className", set_metrics_provider},
    {"metricsProvider.httpHost", set_metrics_address},
    {"metricsProvider.httpPort", set_metrics_port},
    {"audit.enable", set_audit},
    {"zabd.audit.file", set_audit_file},
    {"zabd.audit.fileMaxMiB", set_audit_file_size},
    {"zabd.audit.filesMax", set_audit_files},
    {"zabd.slowRequestMs", set_milliseconds<&Config::slow_request>},

    // Read only to be judged.
    {"secureClientPort", refuse_tls},
    {"sslQuorum", check_ssl_quorum},
    {"sessionRequireClientSASLAuth", refuse_sasl_required},
    {"authProvider.*", check_auth_provider},
    {"dynamicConfigFile", refuse_dynamic_file},
    {"electionAlg", check_election},
    {"leaderServes", check_leader_serves},
    {"quorum.auth.enableSasl", refuse_sasl_required},
    {"quorum.auth.learnerRequireSasl", refuse_sasl_required},
    {"quorum.auth.serverRequireSasl", refuse_sasl_required},
    {"serverCnxnFactory", check_connection_factory},
    {"localSessionsEnabled", check_local_sessions},
    {"localSessionsUpgradingEnabled", check_local_sessions},
    {"admin.forceHttps", set_admin_force_tls},
    {"admin.portUnification", check_admin_port_unification},
    {"admin.needClientAuth", check_admin_client_certificates},
    {"client.portUnification", off_only},
    {"portUnification", off_only},

    // Known, without effect.
    {"secureClientPortAddress", nullptr, kTls},
    {"connectToLearnerMasterLimit", nullptr, kEnsemble},
    {"observerMasterPort", nullptr, kNotYet},
    {"observerMaster.sizeLimit", nullptr, kNotYet},
    {"syncEnabled", nullptr, kEnsemble},
    {"observer.*", nullptr, kEnsemble},
    {"oraclePath", nullptr, kNotYet},
    {"multiAddress.*", nullptr, kNotYet},
    {"tcpKeepAlive", nullptr, kEnsemble},
    {"cnxTimeout", nullptr, kEnsemble},
    {"quorumCnxnTimeoutMs", nullptr, kEnsemble},
    {"electionPortBindRetry", nullptr, kEnsemble},
    {"fastleader.*", nullptr, kEnsemble},
    {"leader.*", nullptr, kEnsemble},
    {"learner.*", nullptr, kEnsemble},
    {"follower.*", nullptr, kEnsemble},
    {"leaderConnectDelayDuringRetryMs", nullptr, kEnsemble},
    {"forward_learner_requests_to_commit_processor_disabled", nullptr, kEnsemble},
    {"commitLogCount", nullptr, kEnsemble},
    {"snapshotSizeFactor", nullptr, kEnsemble},
    {"quorum.auth.*", nullptr, kSasl},
    {"quorum.cnxn.threads.size", nullptr, kEnsemble},
    {"sslQuorumReloadCertFiles", nullptr, kTls},
    {"db.autocreate", nullptr, kEnsemble},
    {"autopurge.*", nullptr, kStorage},
    {"snapSizeLimitInKb", nullptr, kStorage},
    {"txnLogSizeLimitInKb", nullptr, kStorage},
    {"snapshot.*", nullptr, kStorage},
    {"serializeLastProcessedZxid.enabled", nullptr, kStorage},
    {"digest.enabled", nullptr, kStorage},
    {"closeSessionTxn.enabled", nullptr, kStorage},
    {"flushDelay", nullptr, kStorage},
    {"maxWriteQueuePollTime", nullptr, kStorage},
    {"maxBatchSize", nullptr, kStorage},
    {"emulate353TTLNodes", nullptr, kStorage},
    {"enableEagerACLCheck", nullptr, kNotYet},
    {"request_*", nullptr, kNotYet},
    {"requestThrottle*", nullptr, kNotYet},
    {"requestStale*", nullptr, kNotYet},
    {"throttled_op_wait_time", nullptr, kNotYet},
    {"throttledOpWaitTime", nullptr, kNotYet},
    {"largeRequest*", nullptr, kNotYet},
    {"connection_throttle_*", nullptr, kNotYet},
    {"connectionMaxTokens", nullptr, kNotYet},
    {"connectionTokenFill*", nullptr, kNotYet},
    {"connectionFreezeTime", nullptr, kNotYet},
    {"connectionDrop*", nullptr, kNotYet},
    {"connectionDecreaseRatio", nullptr, kNotYet},
    {"admin.idleTimeout", nullptr, kAdminConnections},
    {"admin.*", nullptr, kNotYet},
    {"metricsProvider.httpsPort", nullptr, kTls},
    {"metricsProvider.*", nullptr, kMetricsInside},
    {"audit.*", nullptr, kAudit},
    {"ensembleAuthName", nullptr, kNotYet},
    {"IPAuthenticationProvider.usexforwardedfor", nullptr, kNotYet},
    {"ssl.*", nullptr, kTls},
    {"client.certReload", nullptr, kTls},
    {"X509AuthenticationProvider.superUser", nullptr, kTls},
    {"fips-mode", nullptr, kTls},
    {"superUser", nullptr, kSasl},
    {"superUser.*", nullptr, kSasl},
    {"allowSaslFailedClients", nullptr, kSasl},
    {"letAnySaslUserDoX", nullptr, kSasl},
    {"kerberos.*", nullptr, kSasl},
    {"security.auth_to_local", nullptr, kSasl},
    {"server.realm", nullptr, kSasl},
    {"sasl.serverconfig", nullptr, kSasl},
    {"maxResponseCacheSize", nullptr, kJava},
    {"maxGetChildrenResponseCacheSize", nullptr, kJava},
    {"commitProcessor.*", nullptr, kJava},
    {"nio.*", nullptr, kJava},
    {"netty.*", nullptr, kJava},
    {"watchManagerName", nullptr, kJava},
    {"watcherClean*", nullptr, kJava},
    {"maxInProcessingDeadWatchers", nullptr, kJava},
    {"bitHashCacheSize", nullptr, kJava},
    {"intBufferStartingSizeBytes", nullptr, kJava},
    {"messageTracker.*", nullptr, kJava},
    {"pathStats.*", nullptr, kJava},
    {"jvm.*", nullptr, kJava},
    {"jmx.*", nullptr, kJava},
};

bool covers(std::string_view pattern, std::string_view name) {
    if (!pattern.ends_with('*')) return pattern == name;
    pattern.remove_suffix(1);
    return name.size() > pattern.size() && name.starts_with(pattern);
}

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

const ConfigKey* find_config_key(std::string_view name) {
    static constexpr std::string_view kPrefix = "zookeeper.";
    if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
    const auto exact = std::ranges::find(kKeys, name, &ConfigKey::name);
    if (exact != std::end(kKeys)) return exact;
    const auto pattern = std::ranges::find_if(kKeys, [&](const ConfigKey& key) { return covers(key.name, name); });
    return pattern == std::end(kKeys) ? nullptr : pattern;
}

}  // namespace zabd::server
