// A run of a fixed script: so many writes of a few sessions through the core, the log and the checkpoint, one after the
// other and without any time between. The same calls of the disk come in every run, so each can be made to fail.
#pragma once

#include "server/core/core.hpp"
#include "storage/checkpoint_writer.hpp"
#include "storage/log_writer.hpp"
#include "tests/sim/checkpoint_twin.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/workload.hpp"
#include "wire/connect.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace zabd::sim {

/// What a state at one zxid is told by.
struct StateDigest {
    std::uint64_t digest = 0;
    std::size_t nodes = 0;
    std::size_t ephemerals = 0;
    std::size_t sessions = 0;
    friend bool operator==(const StateDigest&, const StateDigest&) = default;
};

struct RecoveredState {
    Zxid zxid;
    StateDigest state;
};
/// Starts a server from what is on the disk, and says what it came to.
[[nodiscard]] Result<RecoveredState> recover_state(Disk& disk, const Images& checkpoint);

/// The same, and the server goes on: so many sessions are opened, one after the other, each durably. What it says is told
/// after them.
[[nodiscard]] Result<RecoveredState> recover_and_go_on(Disk& disk, const Images& checkpoint, std::size_t sessions);

class ScriptedRun {
public:
    ScriptedRun(Disk& disk, std::size_t operations);

    /// To its end, or to the first error: then the process would stop.
    Result<void> run();

    [[nodiscard]] Zxid zxid_proposed() const { return zxid_proposed_; }
    [[nodiscard]] Zxid zxid_acknowledged() const { return zxid_acknowledged_; }
    [[nodiscard]] const CheckpointTwin& checkpoint() const { return checkpoint_store_; }
    /// After each zxid so far.
    [[nodiscard]] const std::map<Zxid, StateDigest>& states() const { return states_; }

private:
    Result<void> open();
    Result<void> operation(std::size_t number);
    Result<void> work_off();
    void connect(std::uint64_t connection);
    void send(std::uint64_t connection, std::string_view frame);
    void step(const core::Input& input);
    void take_outputs();

    Disk& disk_;
    std::size_t operations_;
    Random random_{300};
    Workload workload_;
    CheckpointTwin checkpoint_store_;
    std::unique_ptr<core::Core> core_;
    std::unique_ptr<storage::LogWriter> log_;
    std::unique_ptr<storage::CheckpointWriter> checkpoint_;
    core::Outputs outputs_;
    Now now_{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}};
    std::uint64_t connection_last_ = 0;
    Xid xid_last_ = 0;
    Zxid zxid_proposed_;
    Zxid zxid_acknowledged_;
    std::vector<Zxid> waiting_;  // proposed, not yet acknowledged
    std::map<Zxid, StateDigest> states_;
};

}  // namespace zabd::sim
