#include "tests/sim/nemesis.hpp"

#include "tests/sim/partitions.hpp"
#include "tests/sim/power_cut.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <span>

namespace zabd::sim {

namespace {

constexpr Duration kDownMin = milliseconds(20);
constexpr Duration kDownMax = seconds(20);
constexpr std::int64_t kMsPerYear = std::int64_t{365} * 24 * 3600 * 1000;

}  // namespace

Nemesis::Nemesis(World& world, Duration course) : world_(world), stage_(world.stage()) {
    auto& random = stage_.random;
    for (std::size_t n = 0; n < kActions; ++n) {
        const auto action = static_cast<Action>(n);
        if (action == Action::kDamage) continue;  // drawn for itself: it ends the run of a lone server
        if (!world_.ensemble() && action >= Action::kEmptyDisk && action < Action::kDelay) continue;
        const auto chances = random.coin() ? random.below(6) : 0;
        actions_.insert(actions_.end(), chances, action);
    }
    if (actions_.empty()) actions_.push_back(Action::kCutPower);
    if (random.per_mille(80)) actions_.push_back(Action::kDamage);
    interval_ = course / (4 << random.below(6));
    for (auto& server : world_.servers())
        server->disk().before_call = [this](DiskCall call, const Disk::Path& path) {
            if (changes(call)) stage_.trace.event("disk {} {}", name_of(call), path.native());
            return judge(call);
        };
}

void Nemesis::start() { wait(); }

void Nemesis::wait() {
    stage_.queue.after(stage_.random.between(interval_ / 8, interval_ * 2), [this] {
        if (healed_ || damaged_) return;
        if (!calm()) act();
        wait();
    });
}

void Nemesis::act() {
    const auto action = actions_[stage_.random.below(actions_.size())];
    if (action >= Action::kKillAll && action < Action::kDelay) return act_on_all(action);
    if (action >= Action::kDelay && action != Action::kDamage) return act_on_client(action);
    auto* target = world_.servers()[stage_.random.below(world_.servers().size())].get();
    if (auto* leader = world_.leader(); leader && stage_.random.coin()) target = leader;
    act_on(*target, action);
}

void Nemesis::act_on(Server& server, Action action) {
    if (!server.accepts()) return;
    auto& random = stage_.random;
    auto& faults = stage_.faults;
    switch (action) {
        case Action::kKill:
            faults.add(Fault::kKill);
            server.kill();
            return world_.restart(server, random.mostly_short(kDownMin, kDownMax));
        case Action::kCutPower:
            faults.add(Fault::kKill);
            server.cut_power();
            return world_.restart(server, random.mostly_short(kDownMin, kDownMax));
        case Action::kCutPowerSoon: return server.disk().cut_after(random.below(30));
        case Action::kStop: return server.stop([this, &server] { world_.restart(server, seconds(1)); });
        case Action::kPause:
            faults.add(Fault::kPause);
            return server.pause(random.mostly_short(milliseconds(50), minutes(2)));
        case Action::kSlowCpu: {
            faults.add(Fault::kSlowCpu);
            const auto time = random.between(seconds(1), seconds(20));
            return server.slow_down(time, random.between(milliseconds(1), milliseconds(30)));
        }
        case Action::kStallClock:
            faults.add(Fault::kMonotonicStall);
            return server.stall_clock(random.mostly_short(milliseconds(100), minutes(5)));
        case Action::kSetClock: return set_clock(server);
        case Action::kSlowSyncs: {
            const auto time = random.between(seconds(1), minutes(1));
            const auto high = random.mostly_short(milliseconds(100), seconds(30));
            return server.slow_syncs(time, milliseconds(50), high);
        }
        case Action::kFailSync: ++syncs_to_fail_; return;
        case Action::kFillDisk: return fill(server);
        case Action::kDamage: return damage(server);
        case Action::kEmptyDisk: return empty_disk(server);
        case Action::kOldImage: return put_old_image_back(server);
        default: return;
    }
}

// --- the ensemble ----------------------------------------------------------------------------------------------------

void Nemesis::act_on_all(Action action) {
    auto& random = stage_.random;
    switch (action) {
        case Action::kKillAll: return kill_all(false);
        case Action::kCutPowerOfAll: return kill_all(true);
        case Action::kRollingRestart: stage_.faults.add(Fault::kReconfiguration); return restart_in_turn(0);
        case Action::kPartition: return partition();
        default: break;
    }
    const auto& servers = world_.servers();
    const auto one = random.below(servers.size());
    const auto other = (one + 1 + random.below(servers.size() - 1)) % servers.size();
    act_between(servers[one]->id(), servers[other]->id(), action);
}

void Nemesis::act_between(ServerId one, ServerId other, Action action) {
    auto& random = stage_.random;
    auto& mesh = world_.mesh();
    const auto time = random.between(seconds(1), seconds(20));
    switch (action) {
        case Action::kDelayPeers: {
            stage_.faults.add(Fault::kReorder);
            const auto by = random.mostly_short(milliseconds(20), seconds(8));
            mesh.delay(one, other, time, by);
            if (random.coin()) mesh.delay(other, one, time, by);
            return;
        }
        case Action::kLosePackets: mesh.lose(one, other, time); return mesh.lose(other, one, time);
        case Action::kNarrow:
            stage_.faults.add(Fault::kClog);
            return mesh.narrow(one, other, time, random.between(1, 20));
        case Action::kSilence: stage_.faults.add(Fault::kHalfOpen); return mesh.silence(one, other);
        case Action::kResetPeers: return mesh.reset(one, other);
        default: return;
    }
}

/// Links are cut one by one, perhaps, and mended in another order.
void Nemesis::partition() {
    auto& random = stage_.random;
    std::vector<ServerId> ids;
    for (const auto& server : world_.servers()) ids.push_back(server->id());
    const auto shape = static_cast<Shape>(random.below(kShapes));
    const auto* leader = random.coin() ? world_.leader() : nullptr;
    auto cuts = cuts_of(shape, ids, leader ? leader->id() : random.pick(std::span(ids)), random);
    stage_.faults.add(fault_of(shape));
    const auto spread = random.coin() ? Duration(0) : random.mostly_short(milliseconds(10), seconds(5));
    const auto time = random.mostly_short(milliseconds(200), seconds(40));
    for (const auto& [from, to] : cuts) {
        stage_.trace.event("the path from {} to {} is to be cut", number(from), number(to));
        stage_.queue.after(random.between(Duration(0), spread), [this, one = from, other = to] {
            if (!healed_) world_.mesh().cut(one, other);
        });
        const auto mended = spread + time + random.between(Duration(0), spread);
        stage_.queue.after(mended, [this, one = from, other = to] { world_.mesh().mend(one, other); });
    }
}

void Nemesis::kill_all(bool power) {
    stage_.faults.add(Fault::kKillAll);
    for (auto& server : world_.servers()) {
        if (!server->accepts()) continue;
        power ? server->cut_power() : server->kill();
        world_.restart(*server, stage_.random.mostly_short(kDownMin, kDownMax));
    }
}

/// As an operator brings new settings in: one after the other.
void Nemesis::restart_in_turn(std::size_t next) {
    if (healed_ || next == world_.servers().size()) return;
    auto& server = *world_.servers()[next];
    const auto go_on = [this, next] {
        stage_.queue.after(stage_.random.between(seconds(1), seconds(5)), [this, next] { restart_in_turn(next + 1); });
    };
    if (!server.accepts()) return go_on();
    server.draw_settings();
    server.stop([this, &server, go_on] {
        world_.restart(server, milliseconds(100));
        go_on();
    });
}

bool Nemesis::may_lose_disk(const Server& server) {
    if (!server.hard_state().has_history) return false;
    if (!server.votes()) return true;
    std::size_t voters = 0;
    std::set<ServerId> without_history;  // with this one's
    for (const auto& one : world_.servers()) {
        if (!one->votes()) continue;
        ++voters;
        if (one->id() == server.id() || !one->hard_state().has_history) without_history.insert(one->id());
    }
    auto lost = disks_lost_;
    lost.insert(server.id());
    if (std::max(lost.size(), without_history.size()) > (voters - 1) / 2) return false;
    disks_lost_ = std::move(lost);
    return true;
}

void Nemesis::empty_disk(Server& server) {
    if (!may_lose_disk(server)) return;
    stage_.faults.add(Fault::kAmnesia);
    server.cut_power();
    server.store().wipe();
    server.disk_was_lost(true);
    world_.restart(server, stage_.random.mostly_short(kDownMin, kDownMax));
}

void Nemesis::put_old_image_back(Server& server) {
    if (!server.store().has_image()) {
        if (server.hard_state().has_history) server.store().take_image();
        return;
    }
    const bool others_have_it = std::ranges::all_of(
        world_.servers(), [&](const auto& other) { return other->zxid_durable() >= server.zxid_durable(); });
    if (!world_.converged() || !others_have_it) return;
    stage_.faults.add(Fault::kOldImage);
    server.cut_power();
    server.store().put_image_back();
    server.disk_was_lost(false);
    catching_up_ = true;
    world_.restart(server, milliseconds(100));
}

bool Nemesis::calm() {
    catching_up_ = catching_up_ && !world_.converged();
    return catching_up_;
}

// --- clients ---------------------------------------------------------------------------------------------------------

void Nemesis::act_on_client(Action action) {
    auto& random = stage_.random;
    auto& faults = stage_.faults;
    auto& client = *world_.clients()[random.below(world_.clients().size())];
    auto& link = client.link();
    switch (action) {
        case Action::kDelay: {
            faults.add(Fault::kDelaySpike);
            const auto time = random.between(seconds(1), seconds(20));
            return link.delay(time, random.mostly_short(milliseconds(20), seconds(8)));
        }
        case Action::kClog:
            faults.add(Fault::kClog);
            return link.clog(random.mostly_short(milliseconds(100), seconds(20)));
        case Action::kOneWayCut:
            if (!link.connected()) return;
            faults.add(Fault::kOneWayCut);
            return link.cut(random.coin() ? Link::Cut::kToServer : Link::Cut::kToClient);
        case Action::kHalfOpen:
            if (!link.connected()) return;
            faults.add(Fault::kHalfOpen);
            return link.cut(Link::Cut::kBoth);
        case Action::kReset: return link.reset_soon();
        case Action::kStorm:
            faults.add(Fault::kReconnectStorm);
            for (auto& one : world_.clients()) one->link().reset();
            return;
        case Action::kAbandon: return client.abandon(random.coin());
        case Action::kCloseSession: return client.close_session();
        default: return;
    }
}

void Nemesis::set_clock(Server& server) {
    stage_.faults.add(Fault::kWallStep);
    constexpr std::int64_t kSteps[] = {1000, 60'000, 3'600'000, kMsPerYear, 10 * kMsPerYear};
    const auto step =
        static_cast<std::int64_t>(stage_.random.below(static_cast<std::uint64_t>(stage_.random.pick(kSteps))));
    server.set_wall_clock(stage_.random.coin() ? step : -step);
}

void Nemesis::fill(Server& server) {
    stage_.faults.add(Fault::kDiskFull);
    auto& disk = server.disk();
    disk.capacity = disk.used_bytes() + stage_.random.below(40'000);
    stage_.queue.after(stage_.random.mostly_short(seconds(1), minutes(2)),
                       [&disk] { disk.capacity = std::numeric_limits<std::uint64_t>::max(); });
}

void Nemesis::damage(Server& server) {
    if (world_.ensemble() && !may_lose_disk(server)) return;
    if (stage_.random.coin()) {
        server.cut_power();
    } else {
        server.kill();
    }
    const auto log = Store::log_directory(server.store().generation());
    const bool damaged = damage_at_rest(server.disk(), log, stage_.random, stage_.faults);
    damaged_ = damaged && !world_.ensemble();
    world_.restart(server, seconds(1));
}

std::optional<Errc> Nemesis::judge(DiskCall call) {
    const bool sync = call == DiskCall::kSync || call == DiskCall::kSyncDirectory || call == DiskCall::kCommit;
    if (sync && syncs_to_fail_ > 0) {
        --syncs_to_fail_;
        stage_.faults.add(Fault::kSyncError);
        return Errc::kIo;
    }
    if (call == DiskCall::kRead && reads_to_fail_ > 0) {
        --reads_to_fail_;
        stage_.faults.add(Fault::kReadError);
        return Errc::kIo;
    }
    return std::nullopt;
}

void Nemesis::before_start(Server& server) {
    if (healed_ || damaged_) return;
    auto& random = stage_.random;
    if (random.per_mille(100)) reads_to_fail_ = 1;
    if (random.per_mille(100)) server.disk().cut_after(random.below(10));
}

void Nemesis::heal() {
    healed_ = true;
    syncs_to_fail_ = reads_to_fail_ = 0;
    for (auto& server : world_.servers()) server->heal();
    for (auto& client : world_.clients()) client->link().heal();
}

}  // namespace zabd::sim
