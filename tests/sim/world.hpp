// A simulated world: servers with their disks, clients with their links, what goes wrong, and the checkers; all of it
// driven by one seed.
//
// Course    faults for a while; then everything is healed, an ensemble must agree on a leader and every client must get a
//           write done in bounded time; then all is quiet, no watch may have anything left to tell, and all servers have the
//           same state; then all sessions end; at last the power is cut once more, everywhere.
// Outcome   run() throws Violation; a broken assertion of production code stops the process.
// Servers   one alone, or an ensemble of 3, 5 or 7 voters and up to two observers.
#pragma once

#include "tests/sim/client.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/server.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace zabd::sim {

struct WorldOptions {
    std::uint64_t seed = 1;
    Planted planted;
    bool trace = false;
    bool faults = true;
    std::size_t voters = 0;  // 1, 3, 5 or 7; 0: drawn
};

class World final : private Network {
public:
    explicit World(const WorldOptions& options);

    void run();

    [[nodiscard]] std::uint64_t hash() const { return stage_.trace.hash(); }
    [[nodiscard]] Time virtual_time() const { return stage_.queue.now(); }
    [[nodiscard]] const FaultCounts& faults() const { return stage_.faults; }
    [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

    // --- for the nemesis ---
    [[nodiscard]] Stage& stage() { return stage_; }
    [[nodiscard]] std::vector<std::unique_ptr<Server>>& servers() { return servers_; }
    [[nodiscard]] std::vector<std::unique_ptr<Client>>& clients() { return clients_; }
    [[nodiscard]] Mesh& mesh() { return mesh_; }
    [[nodiscard]] bool ensemble() const { return servers_.size() > 1; }
    /// The voter that leads and serves, nullptr: none does.
    [[nodiscard]] Server* leader();
    /// All serve, under one leader.
    [[nodiscard]] bool converged();
    /// The server is down and is to come back.
    void restart(Server& server, Duration wait);

private:
    // Network
    void send(const Server& from, ConnectionId connection, std::string_view bytes) override;
    void close(const Server& from, ConnectionId connection) override;
    void server_down(const Server& server, bool power) override;
    [[nodiscard]] Link* link_of(const Server& server, ConnectionId connection);

    void start(Server& server);
    void run_for(Duration time);
    /// False: it did not come about within `time`.
    bool run_until(Duration time, const std::function<bool()>& done);
    void look_now_and_then();
    void heal();
    void make_servers(std::size_t voters);
    void demand_convergence();
    [[nodiscard]] bool all_quiet();
    void demand_progress();
    void demand_quiet();
    void demand_equal_states();
    void end_sessions();
    void cut_power_at_last();

    Stage stage_;
    WorldOptions options_;
    Checkers checkers_;
    History history_;
    Mesh mesh_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::unique_ptr<Nemesis> nemesis_;
    Duration course_{0};
    bool damaged_ = false;  // and refused, as it should be: there is nothing left to run
    std::uint64_t transactions_ = 0;
};

}  // namespace zabd::sim
