#include "server/monitor.hpp"

#include "server/version.hpp"

#include <fmt/format.h>

#include <cmath>

namespace zabd::server {
namespace {

constexpr std::uint64_t kMicrosPerMilli = 1000;

class Figures {
public:
    template <class Value>
    Figures& add(std::string_view name, const Value& value) {
        if constexpr (std::is_floating_point_v<Value>) {
            figures_.push_back({name, static_cast<double>(value)});
        } else if constexpr (std::is_unsigned_v<Value>) {
            figures_.push_back({name, static_cast<std::uint64_t>(value)});
        } else if constexpr (std::is_integral_v<Value>) {
            figures_.push_back({name, static_cast<std::int64_t>(value)});
        } else {
            figures_.push_back({name, std::string(value)});
        }
        return *this;
    }
    std::vector<Figure> take() { return std::move(figures_); }

private:
    std::vector<Figure> figures_;
};

bool in_ensemble(const core::Status& status) { return status.state != core::ServerState::kStandalone; }

/// "following - broadcast"
std::string_view peer_state(core::ServerState state) {
    using enum core::ServerState;
    switch (state) {
        case kLeading: return "leading - broadcast";
        case kFollowing: return "following - broadcast";
        case kObserving: return "observing - broadcast";
        default: return "looking";
    }
}

void add_leader(Figures& out, const core::Status& status, const ServerFigures& figures) {
    out.add("learners", status.followers_synced + status.observers_synced)
        .add("followers", status.followers_synced)
        .add("synced_followers", status.followers_synced)
        .add("synced_non_voting_followers", 0)
        .add("synced_observers", status.observers_synced)
        .add("leader_uptime", figures.part_held.count())
        .add("last_proposal_size", figures.proposals.last)
        .add("min_proposal_size", figures.proposals.min)
        .add("max_proposal_size", figures.proposals.max);
}

void add_ensemble(Figures& out, const core::Status& status, const ServerFigures& figures, std::size_t voters) {
    out.add("peer_state", peer_state(status.state))
        .add("quorum_size", voters)
        .add("epoch", status.epoch)
        .add("cnt_election_time", status.elections)
        .add("last_election_time", status.election_last.count())
        .add("zabd_digests_compared", status.digests_compared)
        .add("digest_mismatches_count", status.digest_mismatches);
    if (status.leader) out.add("leader_id", static_cast<int>(*status.leader));
    if (status.state == core::ServerState::kLeading) add_leader(out, status, figures);
}

}  // namespace

std::string_view state_name(core::ServerState state) {
    using enum core::ServerState;
    switch (state) {
        case kLeading: return "leader";
        case kFollowing: return "follower";
        case kObserving: return "observer";
        case kReadOnly: return "read-only";
        case kLooking: return "looking";
        case kStandalone: return "standalone";
    }
    return "";
}

std::string_view operation_name(wire::OpCode operation) {
    using enum wire::OpCode;
    switch (operation) {
        case kCreateSession: return "SESS";
        case kPing: return "PING";
        case kCreate:
        case kCreate2:
        case kCreateTtl:
        case kCreateContainer: return "CREA";
        case kDelete:
        case kDeleteContainer: return "DELE";
        case kSetData: return "SETD";
        case kGetData: return "GETD";
        case kExists: return "EXIS";
        case kGetChildren:
        case kGetChildren2: return "GETC";
        case kGetAcl: return "GETA";
        case kSetAcl: return "SETA";
        case kGetAllChildrenNumber: return "GETACN";
        case kGetEphemerals: return "GETE";
        case kMulti: return "MULT";
        case kMultiRead: return "MLTR";
        case kSync: return "SYNC";
        case kCheck: return "CHEC";
        case kSetWatches: return "SETW";
        case kSetWatches2: return "STW2";
        case kAddWatch: return "ADDW";
        case kCheckWatches: return "CHKW";
        case kRemoveWatches: return "REMW";
        case kReconfig: return "RECO";
        case kWhoAmI: return "HOMI";
        case kCloseSession: return "CLOS";
        default: return "NA";
    }
}

double average(std::uint64_t sum, std::uint64_t count) {
    if (count == 0) return 0.0;
    return std::round(static_cast<double>(sum) / static_cast<double>(count) * 1e4) / 1e4;
}

std::string decimal(double average) {
    auto text = fmt::format("{:.4f}", average);
    const auto last = text.find_last_not_of('0');
    text.resize(text[last] == '.' ? last + 2 : last + 1);
    return text;
}

std::vector<Figure> monitor_figures(const core::Status& status, const ServerFigures& figures, std::size_t voters) {
    const auto& traffic = status.traffic;
    Figures out;
    out.add("version", zookeeper_version_text())
        .add("zabd_version", zabd_version())
        .add("server_state", state_name(status.state))
        .add("zabd_zxid", fmt::format("0x{:x}", status.zxid_applied.value))
        .add("zabd_digest", status.digest)
        .add("avg_latency", average(traffic.latency_ms_sum, traffic.requests))
        .add("max_latency", traffic.latency_ms_max)
        .add("min_latency", traffic.latency_ms_min)
        .add("packets_received", traffic.received + figures.words_received)
        .add("packets_sent", traffic.sent + figures.words_sent)
        .add("num_alive_connections", status.connections)
        .add("outstanding_requests", status.outstanding)
        .add("uptime", status.uptime.count())
        .add("znode_count", status.nodes + 1)
        .add("watch_count", status.watches)
        .add("ephemerals_count", status.ephemerals)
        .add("approximate_data_size", status.approximate_bytes)
        .add("global_sessions", status.sessions)
        .add("local_sessions", 0)
        .add("open_file_descriptor_count", figures.descriptors_open)
        .add("max_file_descriptor_count", figures.descriptors_max)
        .add("connection_drop_probability", 0.0)
        .add("last_client_response_size", status.reply_bytes_last)
        .add("max_client_response_size", status.reply_bytes_max)
        .add("min_client_response_size", status.reply_bytes_min)
        .add("outstanding_tls_handshake", 0)
        .add("auth_failed_count", status.auth_failures)
        .add("non_mtls_remote_conn_count", 0)
        .add("non_mtls_local_conn_count", 0)
        .add("stale_sessions_expired", status.sessions_expired)
        .add("connection_rejected", figures.connections_rejected)
        .add("avg_fsynctime", average(figures.sync_us_sum, figures.syncs * kMicrosPerMilli))
        .add("max_fsynctime", figures.sync_us_max / kMicrosPerMilli)
        .add("cnt_fsynctime", figures.syncs)
        .add("sum_fsynctime", figures.sync_us_sum / kMicrosPerMilli);
    if (in_ensemble(status)) add_ensemble(out, status, figures, voters);
    return out.take();
}

}  // namespace zabd::server
