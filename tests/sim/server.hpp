// A simulated server: the production core, log, hard state and checkpoint, with virtual time, a simulated disk and simulated
// links in the place of threads, files and sockets. It does the job of server/runtime.cpp and of the storage threads.
//
// Jobs      what a thread of the storage does takes virtual time and is carried out when that is over. A crash before has
//           it carried out up to some call in its midst.
// Death     kill() ends the process, cut_power() the machine. A failed call of the disk ends the process by itself:
//           on_death tells.
// Clocks    the monotonic one may stand still, the wall clock may be set; neither is the world's.
#pragma once

#include "server/core/core.hpp"
#include "server/storage_progress.hpp"
#include "tests/sim/mesh.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/packet_tap.hpp"
#include "tests/sim/stage.hpp"
#include "tests/sim/store.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {

class Server;

/// What the servers' sockets do. Implemented by the links.
class Network {
public:
    virtual ~Network() = default;
    virtual void send(const Server& from, ConnectionId connection, std::string_view bytes) = 0;
    /// After what was sent before.
    virtual void close(const Server& from, ConnectionId connection) = 0;
    /// All its connections are gone; with `power` nobody is told so.
    virtual void server_down(const Server& server, bool power) = 0;
};

struct ServerOptions {
    core::Options core;
    StoreOptions store;
    Duration sync_min{100};
    Duration sync_max{5000};
};

enum class Start { kServing, kDied, kRefused };

class Server final : private MeshEnd {
public:
    Server(Stage& stage, const ServerOptions& options, Network& network, Mesh& mesh, History& history,
           Checkers& checkers);

    // --- life ---
    Start start();
    /// Of a start that was refused, or a death.
    [[nodiscard]] const Error& reason() const { return reason_; }
    void kill();
    void cut_power();
    /// Takes no more, answers what it has taken, then ends. `on_stopped` is told when it has.
    void stop(std::function<void()> on_stopped);
    /// For its next life: what an operator may set otherwise from one start to the next.
    void draw_settings();
    [[nodiscard]] bool up() const { return core_ != nullptr; }
    [[nodiscard]] bool accepts() const { return up() && !draining_; }
    [[nodiscard]] ServerId id() const { return options_.core.server; }
    [[nodiscard]] bool votes() const { return options_.core.membership.votes(id()); }
    [[nodiscard]] bool member() const { return options_.store.member; }
    /// The process ended by itself: `power` if because its machine lost power.
    std::function<void(bool power)> on_death;
    // For who tells what happens; may be empty.
    std::function<void(ServerId to, std::string_view notification)> on_notification;
    std::function<void(const core::Event&)> on_event;

    // --- what goes wrong ---
    [[nodiscard]] Disk& disk() { return store_.disk(); }
    [[nodiscard]] Store& store() { return store_; }
    /// Its disk is empty, or an older one: what it had told of does not bind it any more.
    void disk_was_lost(bool empty);
    [[nodiscard]] Zxid zxid_durable() const { return disk_facts_.log_durable; }
    /// Writes and syncs are not begun: those of the hard state alone, or all.
    enum class DiskHold : std::uint8_t { kNone, kHardState, kAll };
    void hold_disk(DiskHold hold);
    void pause(Duration time) { paused_until_ = std::max(paused_until_, stage_.queue.now() + time); }
    void slow_down(Duration time, Duration per_input);
    void slow_syncs(Duration time, Duration low, Duration high);
    void stall_clock(Duration time);
    /// All of these are over.
    void heal();
    /// Asked by an operator.
    void step_down();
    void set_wall_clock(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }

    // --- links ---
    ConnectionId accept();
    void receive(ConnectionId connection, std::string bytes);
    void peer_closed(ConnectionId connection);

    [[nodiscard]] const Oracle& oracle() const { return oracle_; }
    /// Those that hear of this server alone.
    [[nodiscard]] Checkers& own_checkers() { return oracle_.own(); }
    [[nodiscard]] core::Status status() const { return core_->status(); }
    void check_invariants() const { core_->check_invariants(); }
    [[nodiscard]] const core::Core& core() const { return *core_; }
    [[nodiscard]] const zab::HardState& hard_state() const { return disk_facts_.hard_state; }

private:
    struct Connection {
        wire::FrameSplitter splitter{1 << 20};
        bool paused = false;
        bool closing = false;
        std::string held;  // came while paused
    };
    struct Peer {
        ServerId server{};
        PacketTap tap;
        bool streaming = false;
        std::string behind;  // what goes behind the snapshot
        std::optional<Images> view;
    };
    enum class Job : std::uint8_t { kBatch, kErrand, kCommit, kHardState, kInstall };
    static constexpr std::size_t kJobs = static_cast<std::size_t>(Job::kInstall) + 1;

    // MeshEnd
    [[nodiscard]] bool listens() const override { return accepts(); }
    void on_peer_opened(LinkId link, bool dialled, ServerId peer) override;
    void on_peer_unreachable() override;
    void on_peer_bytes(LinkId link, std::string bytes) override;
    void on_peer_closed(LinkId link) override;
    void on_peer_congested(LinkId link, bool congested) override;
    void on_election(ServerId from, std::string payload) override;
    void on_election_link(ServerId peer, bool up) override;

    [[nodiscard]] Now now();
    void input(std::function<void()> action);
    void run_inputs();
    void tick();

    Result<void> recover();
    void begin_batch();
    void step(const core::Input& input);
    void carry_out_all();
    void finish_batch();
    void feed(ConnectionId id, std::string_view bytes);
    void carry_out(core::SendToClient& output);
    void carry_out(core::CloseClient& output);
    void carry_out(core::PauseClient& output);
    void carry_out(core::AppendToLog& output);
    void carry_out(core::PutCheckpoint& output);
    void carry_out(core::TruncateLog& output);
    void carry_out(core::ReadLog& output);
    void carry_out(core::SaveHardState& output);
    void carry_out(core::DialLeader& output);
    void carry_out(core::SendToPeer& output);
    void carry_out(core::ClosePeer& output);
    void carry_out(core::SendElection& output);
    void carry_out(core::OpenSnapshot& output);
    void carry_out(core::StreamSnapshot& output);
    void carry_out(core::PutInstall& output);
    void carry_out(core::FinishInstall& output);
    void carry_out(core::DropInstall& output);
    void carry_out(core::Event& output);
    void carry_out(const core::Audited&) {}

    void send_to_peer(LinkId link, std::string bytes);
    void stream_slice(LinkId link, std::string rest);
    void open_waiting_snapshots();

    void begin_jobs();
    void begin(Job job);
    void finish(Job job, std::uint64_t storage);
    Result<void> carry_out(Job job);
    void interrupt_jobs();
    [[nodiscard]] bool busy(Job job) const { return busy_[static_cast<std::size_t>(job)]; }
    [[nodiscard]] Duration sync_time();
    void hear_of_log();
    void hear_of_checkpoint();
    void hear_of_hard_state(const zab::HardState& state);
    void hear_of_install(Zxid zxid);
    void learn_disk_facts();
    void learn_generation(Zxid stands_at);
    [[nodiscard]] bool answers_before_sync() const {
        return stage_.planted.is(Bug::kAnswerBeforeSync) || stage_.planted.is(Bug::kAckBeforeDurable);
    }
    [[nodiscard]] bool tells_durable_early() const {
        return answers_before_sync() || (stage_.planted.is(Bug::kEpochBeforeHistory) && !core_->status().serving);
    }
    /// Planted: though nothing came from there.
    void hear_of_leader();
    void tell_progress();
    void write_in_place();

    void go_down(bool power);
    void die(const Error& error);
    void stop_if_drained();
    Result<void> write_last_words();
    /// Runs in this life of the process, or not at all.
    void after(Duration wait, std::function<void()> action);
    [[nodiscard]] Time free_at() const { return std::max(busy_until_, paused_until_); }

    Stage& stage_;
    ServerOptions options_;
    Network& network_;
    Mesh& mesh_;
    Oracle oracle_;

    // The machine.
    Store store_;
    Duration clock_behind_{0};  // of the monotonic clock
    Time stalled_until_{0};
    Time stalled_from_{0};
    std::int64_t wall_offset_ms_ = 0;
    DiskHold disk_hold_ = DiskHold::kNone;
    Time slow_syncs_until_{0};
    Duration slow_sync_min_{0};
    Duration slow_sync_max_{0};

    std::uint64_t generation_ = 0;   // of the storage, as known
    std::optional<Zxid> replacing_;  // what the next one is to hold

    // The process.
    std::uint64_t life_ = 0;
    std::unique_ptr<core::Core> core_;
    core::Outputs outputs_;
    bool batch_open_ = false;
    std::size_t frames_in_batch_ = 0;
    std::map<ConnectionId, Connection> connections_;
    std::uint64_t connection_last_ = 0;
    std::map<LinkId, Peer> peers_;
    DiskFacts disk_facts_;
    server::StorageProgress progress_;
    std::array<bool, kJobs> busy_{};    // by Job
    std::uint64_t storage_number_ = 0;  // of log and checkpoint: jobs of those before say nothing any more
    std::optional<storage::LogErrand> errand_;
    std::vector<wire::StateImages> images_meanwhile_;  // put while a batch is committed
    std::deque<zab::HardState> hard_states_;           // to be saved
    std::deque<Zxid> cuts_;                            // of the log, under way
    std::uint64_t cuts_asked_ = 0;
    std::uint64_t cuts_told_ = 0;
    Zxid log_begin_told_;
    std::optional<Zxid> install_;                       // asked for
    std::vector<std::function<void()>> after_install_;  // belongs to the new log and checkpoint
    std::vector<LinkId> snapshots_wanted_;              // of a checkpoint that is not there yet
    std::deque<std::function<void()>> inputs_;          // wait for their turn
    bool wakes_ = false;
    Time busy_until_{0};    // by a slow processor
    Time paused_until_{0};  // all threads
    Time slow_until_{0};
    Duration per_input_{0};
    bool recovering_ = false;
    Images recovered_;  // while recovering: the state so far
    bool draining_ = false;
    std::function<void()> on_stopped_;
    Error reason_;
};

}  // namespace zabd::sim
