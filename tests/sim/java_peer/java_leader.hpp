// ZooKeeper's leader: discovery of the epoch, synchronisation of its learners, broadcast, and their sessions.
//
// Source    ZooKeeper's Leader and LearnerHandler, 3.8, with differences from the log's files turned off.
// Tail      all that its log holds counts as committed when it begins; what it has proposed since then and is not committed
//           is sent to a new learner as bare PROPOSALs, what is committed and not yet carried out as PROPOSAL and COMMIT.
// Snapshots are fuzzy: transactions go on while the nodes are written one after the other.
// Acks      count one by one; a proposal is looked at when an ACK of itself comes, and then only if the one before it is
//           committed.
#pragma once

#include "tests/sim/java_peer/java_sessions.hpp"
#include "tests/sim/time.hpp"
#include "wire/ids.hpp"
#include "wire/packet_splitter.hpp"
#include "zab/events.hpp"
#include "znode/prepare.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {

class JavaPeer;

class JavaLeader {
public:
    explicit JavaLeader(JavaPeer& peer);

    void begin();
    void on_opened(LinkId link, ServerId server);
    void on_bytes(LinkId link, std::string_view bytes);
    void on_closed(LinkId link);
    void on_synced(Zxid zxid) { count_ack(peer_id(), zxid); }
    [[nodiscard]] bool serving() const { return phase_ == Phase::kServing; }

private:
    enum class Phase : std::uint8_t { kCollecting, kPromising, kSyncing, kServing, kOver };
    /// Of those of one age no order is known; the built-in ones come so too.
    struct Older {
        bool operator()(const std::pair<Zxid, std::string>& one, const std::pair<Zxid, std::string>& other) const {
            return one.first != other.first ? one.first < other.first : one.second > other.second;
        }
    };
    struct Learner {
        enum class Phase : std::uint8_t {
            kInfo,
            kWaitsForEpoch,
            kAckEpoch,
            kWaitsForPromises,
            kStreaming,
            kAckNewLeader,
            kWaitsForStart,
            kUp
        };
        LinkId link{};
        ServerId server{};
        Phase phase = Phase::kInfo;
        bool votes = false;
        wire::PacketSplitter splitter{std::size_t{4} << 20};
        Zxid last{};  // of its log, as it told
        bool forwarded = false;
        bool sends = false;
        std::deque<wire::QuorumPacket> queue;      // until it sends
        std::map<std::string, std::int64_t> acls;  // of the snapshot
        /// Nodes whose parents are written, the oldest first: zabd keeps children in the order in which they come.
        std::set<std::pair<Zxid, std::string>, Older> to_write;
        Time heard{0};
        std::deque<std::pair<Zxid, Time>> unacked;
    };
    using LearnerPhase = Learner::Phase;
    struct Proposal {
        zab::Record record;
        std::set<ServerId> acks{};
        std::vector<LinkId> syncs{};  // to be answered once it is committed
    };

    void take_all(LinkId link);
    void take(Learner& learner, const wire::QuorumPacket& packet);
    void take_info(Learner& learner, const wire::QuorumPacket& packet);
    void take_ack_epoch(Learner& learner, const wire::QuorumPacket& packet);
    void take_request(Learner& learner, const wire::QuorumPacket& packet);
    void collect(ServerId server, Epoch accepted);
    void promise(ServerId server);
    void let_go_on(LearnerPhase from);
    void go_on(Learner& learner);

    void synchronise(Learner& learner);
    /// The zxid up to which it is brought; nullopt: only a snapshot will do.
    [[nodiscard]] std::optional<Zxid> queue_difference(Learner& learner);
    void start_forwarding(Learner& learner, Zxid covered);
    void stream(LinkId link);
    void write_node(Learner& learner, const std::string& path, std::string& out) const;
    void send_new_leader(Learner& learner);
    void count_new_leader(ServerId server);
    void serve();

    void propose(const std::string& txn);
    void prepare(Learner* learner, const wire::ForwardedRequest& request, const wire::QuorumPacket& packet);
    void answer_sync(Learner& learner);
    void count_ack(ServerId server, Zxid zxid);
    void commit(Zxid zxid);
    void carry_out_next();

    void tick();
    void ping_all();
    void look_at_learners();
    void step_down(const std::string& why);
    void drop(LinkId link, const std::string& why);

    void queue(Learner& learner, wire::PacketType type, Zxid zxid, Bytes data = {});
    void send(Learner& learner, const wire::QuorumPacket& packet);
    [[nodiscard]] Learner* find(LinkId link);
    [[nodiscard]] bool quorum(const std::set<ServerId>& servers) const;
    [[nodiscard]] ServerId peer_id() const;

    JavaPeer& peer_;
    Phase phase_ = Phase::kCollecting;
    Time phase_since_{0};
    Epoch epoch_ = 0;
    Epoch current_before_ = 0;
    Zxid last_before_{};
    std::set<ServerId> infos_;
    std::set<ServerId> promises_;
    std::set<ServerId> new_leader_acks_;
    std::map<LinkId, Learner> learners_;
    bool full_tick_ = false;

    Zxid last_proposed_{};
    Zxid last_committed_{};
    std::map<Zxid, Proposal> outstanding_;
    std::deque<zab::Record> to_be_applied_;
    std::unique_ptr<znode::State> ahead_;  // with all that was proposed
    std::unique_ptr<znode::Preparer> preparer_;
    JavaSessions sessions_;
};

}  // namespace zabd::sim
