#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <set>

namespace zabd::core {

void Core::Impl::on(const ResetStatistics& reset, Outputs&) {
    for (auto& [id, client] : clients_) {
        auto& told = client.status;
        told.traffic = {};
        told.last_op = wire::OpCode::kNotification;
        told.last_xid = -1;
        told.zxid_last = kZxidUnknown;
        told.responded_last = {};
        told.latency_ms_last = 0;
    }
    if (reset.connections_only) return;
    status_.traffic = {};
    path_loads_.reset();
    status_.reply_bytes_last = status_.reply_bytes_min = status_.reply_bytes_max = -1;
}

ServerState Core::Impl::state() const {
    if (pipeline_.alone()) return ServerState::kStandalone;
    if (read_only_) return ServerState::kReadOnly;
    switch (zab().role()) {
        case zab::Role::kLooking: return ServerState::kLooking;
        case zab::Role::kLeading: return ServerState::kLeading;
        case zab::Role::kFollowing: return ServerState::kFollowing;
        case zab::Role::kObserving: return ServerState::kObserving;
    }
    return ServerState::kLooking;
}

Status Core::status() const {
    auto status = impl_->status_;
    const auto& zab = impl_->zab();
    const auto& tree = impl_->pipeline_.state().tree;
    status.state = impl_->state();
    status.serving = impl_->serving_;
    if (impl_->serving_ && !impl_->pipeline_.alone()) status.leader = zab.leader();
    status.epoch = zab.hard_state().current_epoch;
    status.followers_synced = zab.synced_voters();
    status.observers_synced = zab.synced_observers();
    status.zxid_proposed = zab.zxid_proposed();
    status.zxid_applied = impl_->zxid_applied();
    status.connections = impl_->clients_.size();
    status.outstanding = impl_->outstanding_;
    status.sessions = impl_->pipeline_.sessions().size();
    status.nodes = tree.node_count();
    status.ephemerals = tree.ephemeral_count();
    status.watches = impl_->watches_.count();
    status.approximate_bytes = tree.approximate_bytes();
    status.digest = tree.digest();
    status.digests_compared = impl_->pipeline_.digests_compared();
    status.digest_mismatches = impl_->pipeline_.digest_mismatches();
    status.latency_ms_max_recent = impl_->latency_ms_max_.at(impl_->now_.monotonic);
    status.uptime = impl_->now_.monotonic - impl_->started_at_;
    return status;
}

std::size_t Core::outstanding() const { return impl_->outstanding_; }

Zxid Core::zxid_applied() const { return impl_->zxid_applied(); }

Zxid Core::log_needed() const { return impl_->zab().log_needed(); }

std::vector<ConnectionStatus> Core::connections() const {
    std::vector<ConnectionStatus> all;
    for (const auto& [id, client] : impl_->clients_) {
        all.push_back(client.status);
        all.back().queued = client.queued();
    }
    std::ranges::sort(all, {}, &ConnectionStatus::connection);
    return all;
}

SessionsStatus Core::sessions() const {
    SessionsStatus status;
    for (const auto& [deadline, sessions] : impl_->sessions_.expiry().buckets()) {
        const auto wall_ms = static_cast<std::int64_t>(impl_->now_.wall) + (deadline - impl_->now_.monotonic).count();
        status.by_expiry_ms[wall_ms].assign(sessions.begin(), sessions.end());
    }
    for (const auto& [session, timeout] : impl_->pipeline_.sessions().all()) {
        auto paths = impl_->pipeline_.state().tree.ephemerals_of(session);
        if (!paths.empty()) status.ephemerals.emplace(session, std::move(paths));
    }
    return status;
}

WatchesStatus Core::watches() const {
    WatchesStatus status;
    std::set<ConnectionId> watching;
    impl_->watches_.for_each_data_watch([&](std::string_view path, ConnectionId connection) {
        watching.insert(connection);
        const auto client = impl_->clients_.find(connection);
        if (client != impl_->clients_.end()) status.by_path[std::string(path)].push_back(client->second.session);
    });
    status.connections = watching.size();
    return status;
}

std::vector<DigestSample> Core::digests() const {
    const auto& digests = impl_->pipeline_.digests();
    return {digests.begin(), digests.end()};
}

void Core::check_invariants() const {
    impl_->pipeline_.check_invariants();
    std::size_t outstanding = 0;
    for (const auto& [id, client] : impl_->clients_) outstanding += client.queued();
    ZABD_ASSERT(outstanding == impl_->outstanding_);
    for (const auto& [id, client] : impl_->clients_) {
        const auto lost = std::ranges::count_if(client.waiting, &Waiting::lost);
        ZABD_ASSERT(static_cast<std::size_t>(lost) == client.lost);
        const auto barriers = std::ranges::count(client.waiting, Waiting::For::kBarrier, &Waiting::what);
        ZABD_ASSERT(static_cast<std::size_t>(barriers) == client.barriers);
    }
    for (const auto& [session, connection] : impl_->owners_) {
        const auto client = impl_->clients_.find(connection);
        ZABD_ASSERT(client != impl_->clients_.end() && client->second.session == session);
    }
}

}  // namespace zabd::core
