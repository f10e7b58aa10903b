// A world without chance, in which a script has everything happen: servers made of production parts, over disks and links
// that the script stops and lets go on, and clients that ask what it says. All checkers of the simulator listen.
//
// Time      virtual; each message and each sync takes as long as any other. Nothing goes wrong unless it is said so.
// Errors    a broken invariant throws Violation.
#pragma once

#include "tests/sim/history.hpp"
#include "tests/sim/java_peer/java_peer.hpp"
#include "tests/sim/mesh.hpp"
#include "tests/sim/scenario/client.hpp"
#include "tests/sim/server.hpp"
#include "tests/sim/stage.hpp"
#include "wire/election.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::sim::scenario {

class Scene final : private Network {
public:
    struct Setup {
        std::size_t voters = 3;
        std::size_t observers = 0;
        Millis tick{2000};
        Millis hold_max{2000};   // of clients' requests without a leader
        bool short_log = false;  // it lets go of what the checkpoint has, as soon as it can
        Counter counter_max = zab::kCounterMax;
        std::set<ServerId> javas;    // voters that are not zabd
        bool java_early = false;     // of a release that acknowledges NEWLEADER early
        Duration java_node_time{1};  // that a node of a snapshot takes
        std::size_t java_window = 500;
    };
    explicit Scene(Planted planted) : stage_(1, planted, false), mesh_(stage_) {
        stage_.random = Random::constant(895);
    }

    void set_up(const Setup& setup);
    [[nodiscard]] bool is_set_up() const { return !members_.empty(); }
    [[nodiscard]] const std::set<ServerId>& members() const { return members_; }
    /// nullptr: there is none that is zabd.
    [[nodiscard]] Server* server(std::size_t id);
    /// nullptr: there is none that is not.
    [[nodiscard]] JavaPeer* java(std::size_t id);
    [[nodiscard]] std::vector<std::unique_ptr<JavaPeer>>& javas() { return javas_; }
    [[nodiscard]] std::vector<std::unique_ptr<Server>>& servers() { return servers_; }
    [[nodiscard]] Mesh& mesh() { return mesh_; }
    [[nodiscard]] Names& names() { return names_; }
    [[nodiscard]] Client* client(std::string_view name);
    void add_client(const std::string& name, Duration timeout);

    void run_for(Duration time) {
        run_until(time, [] { return false; });
    }
    /// False: it did not come about within `time`.
    bool run_until(Duration time, const std::function<bool()>& done);
    /// That serves in a later epoch than any before it; nullopt: nobody does within a minute.
    std::optional<ServerId> run_until_leader();
    /// False: not within two minutes.
    bool run_until_all_serve();

    // --- what goes wrong ---
    void start(Server& server);
    void lose_disk(Server& server);
    void put_image_back(Server& server);
    /// From the next packet of that type on, all that goes that way waits.
    void hold(wire::PacketType type, ServerId from, ServerId to) { to_hold_.insert({type, {from, to}}); }
    void release_all();

    // --- what is seen ---
    /// Since asked last.
    [[nodiscard]] std::vector<std::string> take_told() { return std::exchange(told_, {}); }
    struct SentPacket {
        ServerId from;
        ServerId to;
        wire::QuorumPacket packet;
    };
    [[nodiscard]] std::vector<SentPacket> take_packets() { return std::exchange(packets_, {}); }
    [[nodiscard]] const std::map<ServerId, wire::Notification>& votes() const { return votes_; }
    void tell(std::string line) { told_.push_back(std::move(line)); }

private:
    using Way = std::pair<ServerId, ServerId>;

    // Network
    void send(const Server& from, ConnectionId connection, std::string_view bytes) override;
    void close(const Server& from, ConnectionId connection) override;
    void server_down(const Server& server, bool power) override;

    void add_server(const ServerOptions& options);
    void add_java(const ServerOptions& options, const Setup& setup, ServerId id);
    void listen_to(Server& server);
    void on_packet(ServerId from, ServerId to, const wire::QuorumPacket& packet);

    Stage stage_;
    Checkers checkers_;
    History history_;
    Mesh mesh_;
    Names names_;
    std::set<ServerId> members_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<std::unique_ptr<JavaPeer>> javas_;
    std::map<std::string, std::unique_ptr<Client>, std::less<>> clients_;
    Epoch epoch_last_ = 0;  // of a leader that was waited for

    std::vector<std::string> told_;
    std::vector<SentPacket> packets_;
    std::map<ServerId, wire::Notification> votes_;  // the last one that each has sent
    std::set<std::pair<wire::PacketType, Way>> to_hold_;
    std::set<Way> held_;
};

}  // namespace zabd::sim::scenario
