// What learners and their leader say to each other on the quorum port.
//
// Source    ZooKeeper's learner protocol, 3.5 and later (docs/zab.md). A packet has no length prefix: packet_splitter.hpp.
// Behind a SNAP packet a snapshot follows raw: snapshot_stream.hpp.
// Extension zabd servers tell each other what they can by bytes behind LearnerInfo and LeaderInfo, which ZooKeeper's
//           servers do not look at.
#pragma once

#include "wire/acl.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {

enum class PacketType : std::int32_t {
    kRequest = 1,
    kProposal = 2,
    kAck = 3,
    kCommit = 4,
    kPing = 5,
    kRevalidate = 6,
    kSync = 7,
    kInform = 8,
    kCommitAndActivate = 9,
    kNewLeader = 10,
    kFollowerInfo = 11,
    kUpToDate = 12,
    kDiff = 13,
    kTrunc = 14,
    kSnap = 15,
    kObserverInfo = 16,
    kLeaderInfo = 17,
    kAckEpoch = 18,
    kInformAndActivate = 19,
};

struct QuorumPacket {
    PacketType type = PacketType::kPing;
    Zxid zxid{};
    Bytes data{};                                 // null and empty differ
    std::optional<std::vector<Id>> identities{};  // "authinfo": of a REQUEST's client
};
void encode(std::string& out, const QuorumPacket& packet);

inline constexpr std::int32_t kQuorumProtocol = 0x10000;
inline constexpr std::size_t kClusterSecretBytes = 32;
using ClusterSecret = std::array<unsigned char, kClusterSecretBytes>;

/// FOLLOWERINFO, OBSERVERINFO.
struct LearnerInfo {
    std::int64_t server = 0;
    std::int32_t protocol = kQuorumProtocol;
    std::int64_t config_version = 0;
    bool zabd = false;  // the sender is zabd: acks and commits may be cumulative
    // Only of zabd:
    bool no_history = false;  // its disk is empty or was damaged: it may not be counted until it has synchronised
    bool mixed = false;       // it knows of a ZooKeeper server in the ensemble
    bool provisional =
        false;  // its history begins at what may never have been committed: it cannot be cut back behind that
};
/// LEADERINFO.
struct LeaderInfo {
    std::int32_t protocol = kQuorumProtocol;
    std::optional<ClusterSecret> secret;  // present: the leader is zabd, and this is the key of session passwords
    bool mixed = false;                   // only of zabd: it knows of a ZooKeeper server in the ensemble
};
[[nodiscard]] Bytes encoded_info(const LearnerInfo& info);
[[nodiscard]] Bytes encoded_info(const LeaderInfo& info);
/// nullopt: too short to be one. Without a protocol version it is 1, the oldest. Extensions that are not understood are
/// ignored.
[[nodiscard]] std::optional<LearnerInfo> decode_learner_info(std::string_view data);
[[nodiscard]] std::optional<LeaderInfo> decode_leader_info(std::string_view data);

/// A forwarded request: what a REQUEST packet's data hold. Borrows.
struct ForwardedRequest {
    SessionId session = SessionId::kNone;
    Xid xid = 0;
    OpCode op = OpCode::kNotification;
    std::string_view body;
};
[[nodiscard]] Bytes encoded_request(const ForwardedRequest& request);
[[nodiscard]] std::optional<ForwardedRequest> decode_request(std::string_view data);

/// REVALIDATE to the leader (SessionTouch), and its answer.
struct SessionTouch {
    SessionId session = SessionId::kNone;
    std::int32_t timeout_ms = 0;
    static void fields(auto& self, auto&& visit) { visit(self.session, self.timeout_ms); }
};
struct SessionValidity {
    SessionId session = SessionId::kNone;
    bool valid = false;
    static void fields(auto& self, auto&& visit) { visit(self.session, self.valid); }
};
/// The table in an answer to PING: SessionTouch behind one another, without a count. An unfinished one at the end is
/// ignored.
[[nodiscard]] std::vector<SessionTouch> decode_touches(std::string_view data);

}  // namespace zabd::wire
