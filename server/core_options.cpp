#include "server/core_options.hpp"

#include "storage/log_format.hpp"

#include <algorithm>

namespace zabd::server {
namespace {

constexpr std::size_t kPacketOverheadBytes = 4096;  // of a packet, beyond the transaction or request that it carries

void join_ensemble(const Ensemble& ensemble, core::Options& options) {
    options.server = ensemble.self;
    options.membership = ensemble.membership;
    options.config_text = ensemble.config_text;
    options.init_limit = ensemble.init_limit;
    options.sync_limit = ensemble.sync_limit;
}

}  // namespace

core::Options core_options(const Config& config, WallTime start) {
    core::Options options;
    options.tick = config.tick;
    options.session_timeout_min = config.session_timeout_min;
    options.session_timeout_max = config.session_timeout_max;
    options.start = start;
    options.outstanding_max = config.outstanding_max;
    options.log_overhead_bytes_max = storage::kRecordOverheadBytesMax;
    options.log_reserve_bytes = std::min<std::uint64_t>(options.log_reserve_bytes, config.log_segment_bytes / 4);
    options.reconfig_enabled = config.reconfig_enabled;
    options.super_digest = config.super_digest;
    options.digest_auth_enabled = config.digest_enabled;
    options.enforced_schemes = config.enforced_schemes;
    options.reap_interval = config.container_check_interval;
    options.reaps_per_minute_max = config.containers_per_minute_max;
    options.never_used_container_max = config.container_never_used_max;
    options.prepare.extended_types = config.ttl_nodes;
    options.prepare.enforce_quota = config.enforce_quota;
    options.prepare.check_acls = !config.skip_acl;
    options.prepare.txn_bytes_max = config.frame_bytes_max + config.txn_bytes_extra;
    options.hold_max = config.hold_max;
    options.packet_bytes_max = std::max(options.packet_bytes_max, options.prepare.txn_bytes_max + kPacketOverheadBytes);
    options.read_only_enabled = config.read_only_enabled;
    options.zookeeper_passwords = config.zookeeper_passwords;
    options.linearizable_reads = config.linearizable_reads;
    options.audit = config.audit.enabled;
    options.slow_request = config.slow_request;
    options.counter_max = config.epoch_counter_max;
    if (config.ensemble) join_ensemble(*config.ensemble, options);
    return options;
}

}  // namespace zabd::server
