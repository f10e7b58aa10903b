// A simulated server: the production core, log and checkpoint, with virtual time, a simulated disk and simulated links in
// the place of threads, files and sockets. It does the job of server/runtime.cpp and of the storage threads.
//
// Jobs      what a thread of the storage does takes virtual time and is carried out when that is over. A crash before has
//           it carried out up to some call in its midst.
// Death     kill() ends the process, cut_power() the machine. A failed call of the disk ends the process by itself:
//           on_death tells.
// Clocks    the monotonic one may stand still, the wall clock may be set; neither is the world's.
#pragma once

#include "server/core/core.hpp"
#include "server/storage_progress.hpp"
#include "storage/checkpoint_writer.hpp"
#include "storage/log_writer.hpp"
#include "tests/sim/checkpoint_twin.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/planted_files.hpp"
#include "tests/sim/stage.hpp"
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
    std::uint64_t segment_bytes = 32 << 10;
    storage::CheckpointTriggers checkpoint;
    Duration sync_min{100};
    Duration sync_max{5000};
};

enum class Start { kServing, kDied, kRefused };

class Server {
public:
    Server(Stage& stage, const ServerOptions& options, Network& network, Checkers& checkers);

    // --- life ---
    Start start();
    /// Of a start that was refused, or a death.
    [[nodiscard]] const Error& reason() const { return reason_; }
    void kill();
    void cut_power();
    /// Takes no more, answers what it has taken, then ends. `on_stopped` is told when it has.
    void stop(std::function<void()> on_stopped);
    [[nodiscard]] bool up() const { return core_ != nullptr; }
    [[nodiscard]] bool accepts() const { return up() && !draining_; }
    /// The process ended by itself: `power` if because its machine lost power.
    std::function<void(bool power)> on_death;

    // --- what goes wrong ---
    [[nodiscard]] Disk& disk() { return disk_; }
    void pause(Duration time) { paused_until_ = std::max(paused_until_, stage_.queue.now() + time); }
    void slow_down(Duration time, Duration per_input);
    void slow_syncs(Duration time, Duration low, Duration high);
    void stall_clock(Duration time);
    /// All of these are over.
    void heal();
    void set_wall_clock(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }

    // --- links ---
    ConnectionId accept();
    void receive(ConnectionId connection, std::string bytes);
    void peer_closed(ConnectionId connection);

    [[nodiscard]] const Oracle& oracle() const { return oracle_; }
    [[nodiscard]] core::Status status() const { return core_->status(); }
    void check_invariants() const { core_->check_invariants(); }
    static const Disk::Path kLogDirectory;

private:
    struct Connection {
        wire::FrameSplitter splitter{1 << 20};
        bool paused = false;
        bool closing = false;
        std::string held;  // came while paused
    };
    enum class Job : std::uint8_t { kBatch, kErrand, kCommit };

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
    void carry_out(core::Event& output);

    void begin_jobs();
    void begin(Job job);
    void finish(Job job);
    Result<void> carry_out(Job job);
    void interrupt_jobs();
    [[nodiscard]] bool busy(Job job) const { return busy_[static_cast<std::size_t>(job)]; }
    [[nodiscard]] Duration sync_time();
    void hear_of_log();
    void hear_of_checkpoint();
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
    Oracle oracle_;

    // The machine.
    Disk disk_;
    CheckpointTwin checkpoint_store_;
    Duration clock_behind_{0};  // of the monotonic clock
    Time stalled_until_{0};
    Time stalled_from_{0};
    std::int64_t wall_offset_ms_ = 0;
    Time slow_syncs_until_{0};
    Duration slow_sync_min_{0};
    Duration slow_sync_max_{0};

    // The process.
    std::uint64_t life_ = 0;
    PlantedFiles files_;  // the disk, with a planted bug perhaps
    std::unique_ptr<core::Core> core_;
    std::unique_ptr<storage::LogWriter> log_;
    std::unique_ptr<storage::CheckpointWriter> checkpoint_;
    core::Outputs outputs_;
    bool batch_open_ = false;
    std::size_t frames_in_batch_ = 0;
    std::map<ConnectionId, Connection> connections_;
    std::uint64_t connection_last_ = 0;
    server::StorageProgress progress_;
    std::array<bool, 3> busy_{};  // by Job
    std::optional<storage::LogErrand> errand_;
    std::vector<wire::StateImages> images_meanwhile_;  // put while a batch is committed
    std::deque<std::function<void()>> inputs_;         // wait for their turn
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
