// A member of a simulated ensemble that behaves as a server of Apache ZooKeeper 3.8 does towards its peers: an independent
// reading of the protocol, which shares with zabd the packets' bytes, and the rules by which requests become transactions.
//
// Clients   it has none: those who write are the clients of zabd's members.
// Disk      what is written survives kill(); what is synced survives cut_power(). A sync takes time, or does not come while
//           the disk is held. Epochs are durable when they are set, as ZooKeeper's server waits for that.
// Errors    what would end ZooKeeper's process, or break its connection for a fault of the other side's, throws Violation.
#pragma once

#include "tests/sim/java_peer/fast_election.hpp"
#include "tests/sim/java_peer/java_tree.hpp"
#include "tests/sim/mesh.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/stage.hpp"
#include "wire/quorum.hpp"
#include "zab/events.hpp"
#include "znode/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace zabd::sim {

class JavaLearner;
class JavaLeader;

struct JavaOptions {
    ServerId id{};
    std::set<ServerId> voters;
    std::set<ServerId> javas;  // of all members: what breaks between two of them is not zabd's fault
    Duration tick{};
    int init_limit = 10;  // ticks
    int sync_limit = 5;   // ticks
    std::string config_text;
    znode::PrepareOptions prepare;
    bool early_acks = false;       // 3.8.0 to 3.8.4: NEWLEADER is acknowledged before the history is durable
    Duration node_time{1};         // that a node of a snapshot takes to be written
    std::size_t window_max = 500;  // committed transactions kept for learners
    Duration sync_min{100};
    Duration sync_max{5000};
};

class JavaPeer final : private MeshEnd {
public:
    JavaPeer(Stage& stage, JavaOptions options, Mesh& mesh, History& history, Checkers& checkers);
    ~JavaPeer() override;

    // --- for who makes it ---
    void start();
    void kill();
    void cut_power();
    /// No sync begins any more, or again.
    void hold_disk(bool held);
    [[nodiscard]] bool up() const { return up_; }
    /// Its role is established.
    [[nodiscard]] bool serving() const;
    [[nodiscard]] bool leading() const { return leader_ != nullptr; }
    [[nodiscard]] std::optional<ServerId> followed() const;
    std::function<void(std::string)> on_told;
    /// Of what the checkers are not told, as it is known to be false: early ACKs.
    std::function<void(ServerId to, const wire::QuorumPacket&)> on_untold_packet;
    std::function<void(const wire::Notification&)> on_notification;

    // --- what it holds ---
    [[nodiscard]] ServerId id() const { return options_.id; }
    [[nodiscard]] const JavaOptions& options() const { return options_; }
    [[nodiscard]] Epoch accepted_epoch() const { return disk_.accepted_epoch; }
    [[nodiscard]] Epoch current_epoch() const { return disk_.current_epoch; }
    [[nodiscard]] const std::vector<zab::Record>& log() const { return disk_.log; }
    [[nodiscard]] const JavaTree& tree() const { return tree_; }
    /// Committed ones of late, and at a start all that the log holds.
    [[nodiscard]] const std::deque<zab::Record>& window() const { return window_; }

    // --- for its roles ---
    [[nodiscard]] Stage& stage() { return stage_; }
    [[nodiscard]] Time now() const { return stage_.queue.now(); }
    /// While the role lasts.
    void after(Duration wait, std::function<void()> action);
    void tell(const std::string& what);
    void dial(ServerId to) { mesh_.dial(id(), to); }
    void send(LinkId link, ServerId to, const wire::QuorumPacket& packet);
    void send_raw(LinkId link, std::string_view bytes) { mesh_.send(link, bytes); }
    void close(LinkId link) { mesh_.close(link); }
    void accept_epoch(Epoch epoch) { disk_.accepted_epoch = epoch; }
    void adopt_epoch(Epoch epoch) { disk_.current_epoch = epoch; }
    /// The role hears of each record once it is durable.
    void append(zab::Record record);
    /// Once all that was appended is durable.
    void when_synced(std::function<void()> action);
    /// Of a committed transaction.
    void apply(const zab::Record& record);
    /// The same, of one that never enters the log, as a snapshot is about to hold it.
    void apply_unlogged(const zab::Record& record);
    /// The log goes behind that, and memory is read from the disk again.
    void truncate(Zxid zxid);
    /// A snapshot begins to come; memory is its.
    void begin_install() { tree_.clear(); }
    [[nodiscard]] JavaTree& installing() { return tree_; }
    void installed(Zxid zxid);
    /// What is in memory becomes durable as a snapshot; of an installed one, what the log held is over.
    void write_snapshot(bool installed);
    /// All up to where the tree stands is committed.
    void tell_committed();
    void set_last(Zxid zxid) { tree_.last = zxid; }
    void established(Epoch epoch);
    /// The role is over. `spoiled`: what memory holds is not on the disk.
    void look_again(const std::string& reason, bool spoiled = false);
    /// ZooKeeper's process would have ended.
    [[noreturn]] void would_exit(const std::string& why);
    /// Its connection breaks for that, which zabd must not give it cause for.
    void blame(ServerId peer, const std::string& why) const;

private:
    struct Disk {
        Epoch accepted_epoch = 0;
        Epoch current_epoch = 0;
        std::optional<JavaTree> snapshot;
        std::vector<zab::Record> log;
        std::size_t synced = 0;  // of the log
    };

    // MeshEnd
    [[nodiscard]] bool listens() const override { return up_; }
    [[nodiscard]] bool takes_learners() const override { return leader_ != nullptr; }
    [[nodiscard]] Duration patience() const override { return milliseconds(500); }
    void on_peer_opened(LinkId link, bool dialled, ServerId peer) override;
    void on_peer_unreachable() override;
    void on_peer_bytes(LinkId link, std::string bytes) override;
    void on_peer_closed(LinkId link) override;
    void on_peer_congested(LinkId, bool) override {}
    void on_election(ServerId from, std::string payload) override;
    void on_election_link(ServerId, bool) override {}

    void load();
    void load_anew();
    void look();
    void follow(ServerId leader);
    void end_role();
    void go_down(bool power);
    void begin_sync();
    void finish_sync(std::size_t records);
    void forget_syncs();
    [[nodiscard]] DiskFacts disk_facts() const;
    void keep_in_window(const zab::Record& record);

    Stage& stage_;
    JavaOptions options_;
    Mesh& mesh_;
    Oracle oracle_;
    Disk disk_;
    bool disk_held_ = false;

    bool up_ = false;
    std::uint64_t life_ = 0;
    std::uint64_t role_ = 0;
    JavaTree tree_;
    std::deque<zab::Record> window_;
    FastElection election_;
    std::unique_ptr<JavaLearner> learner_;
    std::unique_ptr<JavaLeader> leader_;
    bool syncing_ = false;
    std::uint64_t sync_ = 0;  // number of the one under way
    std::vector<std::pair<std::size_t, std::function<void()>>> wait_for_sync_;
};

}  // namespace zabd::sim
