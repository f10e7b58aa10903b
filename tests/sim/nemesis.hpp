// What goes wrong: draws faults at random times and heals them. Which kinds, and how often, differs from seed to seed,
// as faults that come seldom meet states that frequent ones would never let come about.
//
// Disks     that are lost or rot in an ensemble: those of a minority of its voters at most, and none again before it has been
//           given the history by a leader; nothing could be promised otherwise. A disk goes back to what it was only while
//           all others have what it had, and nothing new goes wrong until it has caught up.
#pragma once

#include "tests/sim/server.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <set>
#include <vector>

namespace zabd::sim {

class World;

class Nemesis {
public:
    Nemesis(World& world, Duration course);

    void start();
    /// Nothing new goes wrong, and all that did is over.
    void heal();
    /// Before a server comes back: its disk or its power may fail while it recovers.
    void before_start(Server& server);
    /// The log of the server's disk has rotted: it may refuse to start.
    [[nodiscard]] bool damaged() const { return damaged_; }

private:
    enum class Action : std::uint8_t {
        kKill,
        kCutPower,
        kCutPowerSoon,
        kStop,
        kPause,
        kSlowCpu,
        kStallClock,
        kSetClock,
        kSlowSyncs,
        kFailSync,
        kFillDisk,
        kEmptyDisk,
        kOldImage,
        // of the whole ensemble
        kKillAll,
        kCutPowerOfAll,
        kRollingRestart,
        kPartition,
        kDelayPeers,
        kLosePackets,
        kNarrow,
        kSilence,
        kResetPeers,
        // of a client
        kDelay,
        kClog,
        kOneWayCut,
        kHalfOpen,
        kReset,
        kStorm,
        kAbandon,
        kCloseSession,
        kDamage,
    };
    static constexpr std::size_t kActions = static_cast<std::size_t>(Action::kDamage) + 1;

    void wait();
    void act();
    void act_on(Server& server, Action action);
    void act_on_all(Action action);
    void act_between(ServerId one, ServerId other, Action action);
    void partition();
    void kill_all(bool power);
    void restart_in_turn(std::size_t next);
    void empty_disk(Server& server);
    void put_old_image_back(Server& server);
    /// A disk that went back has not caught up yet.
    [[nodiscard]] bool calm();
    /// Its disk may be lost; if so, it counts.
    [[nodiscard]] bool may_lose_disk(const Server& server);
    void act_on_client(Action action);
    void damage(Server& server);
    void set_clock(Server& server);
    void fill(Server& server);
    [[nodiscard]] std::optional<Errc> judge(DiskCall call);

    World& world_;
    Stage& stage_;
    std::vector<Action> actions_;  // one entry for each chance
    Duration interval_;
    bool healed_ = false;
    bool damaged_ = false;
    std::set<ServerId> disks_lost_;
    bool catching_up_ = false;
    std::uint64_t syncs_to_fail_ = 0;
    std::uint64_t reads_to_fail_ = 0;
};

}  // namespace zabd::sim
