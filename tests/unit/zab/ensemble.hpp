// An ensemble of participants in one place: links and disks are queues that the test empties in the order that it likes.
//
// Disk      a server's log, checkpoint and hard state; what was asked and not done yet is lost in a crash, from some point on.
// State     what was delivered, as a list. A snapshot is that list.
#pragma once

#include "zab/participant.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace zabd::zab {

class Ensemble {
public:
    struct Setup {
        int voters = 3;
        int observers = 0;
        std::uint64_t seed = 1;
        bool zabd = true;  // else servers hide that they are, and are taken for ZooKeeper's
        Counter counter_max = kCounterMax;
        std::size_t window_bytes_max = 32 << 20;
        std::size_t congested_at = 1000;  // packets that wait on a link
    };
    explicit Ensemble(const Setup& setup);

    using History = std::vector<Record>;
    struct Server {
        ServerId id{};
        std::unique_ptr<Participant> participant;  // null: down
        RoleChanged role;
        History state;     // delivered, from the very beginning
        History received;  // of a snapshot, to be installed
        std::size_t confirmed = 0;
        // The disk.
        History log;  // behind log_begin
        Zxid log_begin;
        History checkpoint;  // a prefix of the state
        HardState hard;
        bool log_unreadable = false;
        std::deque<Output> asked;  // of the disk, in order
        [[nodiscard]] bool up() const { return participant != nullptr; }
        [[nodiscard]] bool leads() const { return up() && role.role == Role::kLeading && role.serving; }
    };

    // --- what the test does ---
    [[nodiscard]] Server& server(int id) { return servers_.at(ServerId{static_cast<std::uint8_t>(id)}); }
    [[nodiscard]] std::map<ServerId, Server>& servers() { return servers_; }
    void crash(int id);
    void start(int id);
    void lose_disk(int id);
    void checkpoint(int id, Zxid log_begin);
    /// Both ways, or one way: nothing arrives, and connections break after a while.
    void cut(int a, int b);
    void heal() { cuts_.clear(); }
    /// Something that waits is done, at random; if nothing waits, or now and then, a tick passes.
    void run(int steps);
    void pass(Millis time);
    [[nodiscard]] bool run_until(const std::function<bool()>& done, int steps = 200'000);
    /// The serving leader of the highest epoch.
    [[nodiscard]] Server* leader();
    Zxid submit(Server& server, const std::string& txn);
    void input(Server& server, const Input& input);
    [[nodiscard]] std::mt19937_64& random() { return random_; }
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::size_t snapshots() const { return snapshots_; }
    /// No two servers disagree; every acknowledged transaction is in the history of the serving leader.
    void check();

private:
    struct Link {
        ServerId learner{};
        ServerId leader{};
        LinkId at_learner{};
        LinkId at_leader{};
        std::deque<wire::QuorumPacket> to_leader;
        std::deque<wire::QuorumPacket> to_learner;
        bool congested = false;
        std::optional<History> snapshot;  // on its way to the learner, behind a SNAP packet
        int cut_for = 0;
    };
    void take(Server& server, std::vector<Output>& out);
    void take(Server& server, Output& output);
    bool work_disk(Server& server);
    bool work_link(std::size_t index);
    bool work_election(std::size_t index);
    void close(Server& server, LinkId link);
    void close_all(ServerId server);
    [[nodiscard]] Link* link_of(ServerId server, LinkId link);
    [[nodiscard]] bool cut(ServerId from, ServerId to) const { return cuts_.contains({from, to}); }
    void acknowledge(const Deliver& delivered);

    Setup setup_;
    std::mt19937_64 random_;
    Instant now_{Millis(1000)};
    std::map<ServerId, Server> servers_;
    std::vector<Link> links_;
    struct Letter {
        ServerId from{};
        ServerId to{};
        wire::Notification notification;
    };
    std::vector<Letter> letters_;
    std::set<std::pair<ServerId, ServerId>> cuts_;
    std::uint64_t link_last_ = 0;
    std::size_t snapshots_ = 0;
    std::map<Zxid, std::string> acknowledged_;  // delivered anywhere
    std::map<Epoch, ServerId> established_;
};

}  // namespace zabd::zab
