#include "tests/sim/nemesis.hpp"

#include "tests/sim/power_cut.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>

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
        if (action == Action::kDamage) continue;  // drawn for itself: it ends the run
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
        act();
        wait();
    });
}

void Nemesis::act() {
    const auto action = actions_[stage_.random.below(actions_.size())];
    auto& server = *world_.servers()[stage_.random.below(world_.servers().size())];
    action < Action::kDelay || action == Action::kDamage ? act_on(server, action) : act_on_client(action);
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
        default: return;
    }
}

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
    if (stage_.random.coin()) {
        server.cut_power();
    } else {
        server.kill();
    }
    damaged_ = damage_at_rest(server.disk(), Server::kLogDirectory, stage_.random, stage_.faults);
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
