// ZooKeeper's follower: from dialling its leader to being up to date, and on until it loses it.
//
// Source    ZooKeeper's Learner and Follower, 3.8. Before 3.8.5 (`early_acks`) NEWLEADER is acknowledged while the history
//           is still on its way to the disk; from then on it is durable first.
// Known     a COMMIT between NEWLEADER and UPTODATE, of a proposal that came before NEWLEADER, breaks its connection; a
//           COMMIT of another proposal than the oldest ends its process.
#pragma once

#include "tests/sim/time.hpp"
#include "wire/ids.hpp"
#include "wire/packet_splitter.hpp"
#include "wire/snapshot_stream.hpp"
#include "zab/events.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace zabd::sim {

class JavaPeer;

class JavaLearner {
public:
    JavaLearner(JavaPeer& peer, ServerId leader) : peer_(peer), leader_(leader) {}

    void begin();
    void on_opened(LinkId link);
    void on_unreachable();
    void on_bytes(LinkId link, std::string_view bytes);
    void on_closed(LinkId link);
    void on_synced(Zxid zxid);
    [[nodiscard]] ServerId leader() const { return leader_; }
    [[nodiscard]] bool serving() const { return phase_ == Phase::kFollowing; }

private:
    enum class Phase : std::uint8_t {
        kDialling,
        kInfoSent,
        kEpochAcked,
        kReceiving,
        kSyncing,
        kAcked,
        kFollowing,
        kOver
    };

    void send(wire::PacketType type, Zxid zxid, Bytes data = {});
    void take_all();
    void take(const wire::QuorumPacket& packet);
    void take_leader_info(const wire::QuorumPacket& packet);
    void take_opening(const wire::QuorumPacket& packet);
    void take_snapshot();
    void take_commit_in_sync(Zxid zxid);
    void take_new_leader();
    void ack_new_leader();
    void take_up_to_date();
    void log(const zab::Record& record);
    void commit(Zxid zxid);
    void answer_ping(Zxid zxid);
    void look_out();
    void fail(const std::string& why);
    /// By a fault of the leader's, if it is not of ZooKeeper's own.
    void break_off(const std::string& why);

    JavaPeer& peer_;
    ServerId leader_;
    Phase phase_ = Phase::kDialling;
    LinkId link_{};
    wire::PacketSplitter splitter_{std::size_t{4} << 20};
    bool blocked_ = false;  // its thread waits for the disk
    Time heard_{0};
    Epoch epoch_ = 0;

    wire::SnapshotDecoder snapshot_{std::size_t{4} << 20};
    Zxid snapshot_zxid_{};
    bool installs_ = false;  // a snapshot came
    bool to_log_ = false;    // what is committed while synchronising waits for the log
    std::deque<zab::Record> not_logged_;
    std::deque<Zxid> committed_;       // while synchronising
    std::deque<zab::Record> pending_;  // logged, or on its way there, and not committed
    std::deque<Zxid> acks_held_;
    std::map<SessionId, std::int32_t> touched_;
};

}  // namespace zabd::sim
