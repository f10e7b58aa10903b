// All that a Participant hears and says.
//
// Owed      outputs are carried out in their order: first in, first out, towards the log, the hard state, and each link.
//           Answers of the disk come in the order of what they answer.
// Links     a link is one connection on the quorum port, between a learner and its leader. Its id is never reused; what
//           still comes of one that was closed is ignored.
#pragma once

#include "wire/bytes.hpp"
#include "wire/election.hpp"
#include "wire/ids.hpp"
#include "wire/quorum.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace zabd::zab {

/// A record of the log.
struct Record {
    Zxid zxid;
    Bytes txn;
};

/// What must survive besides the history, written as one.
struct HardState {
    Epoch accepted_epoch = 0;  // highest whose leader was promised to be followed: no lower one ever will be
    Epoch current_epoch = 0;   // whose initial history is in the log
    bool has_history = false;  // the log and the checkpoint hold all that was ever acknowledged from here
    wire::ClusterSecret secret{};
    /// The checkpoint was made of a ZooKeeper server's snapshot, which is written while transactions go on: without what the
    /// log holds up to here it is no state. kZxidUnknown: how much that is has not been told yet.
    Zxid fuzzy_until{};
    bool provisional = false;  // the same snapshot may hold what was never committed: no leader has confirmed it
    /// Sessions that were opened behind the one and up to the other have passwords as ZooKeeper makes them: one of its servers
    /// was a member then. The other is kZxidUnknown while one still is.
    Zxid mixed_from{};
    Zxid mixed_until{};
    [[nodiscard]] bool mixed() const { return mixed_until == kZxidUnknown; }
    [[nodiscard]] bool mixed_at(Zxid zxid) const { return mixed_from < zxid && zxid <= mixed_until; }
    friend bool operator==(const HardState&, const HardState&) = default;
};

// --- inputs ----------------------------------------------------------------------------------------------------------

/// A record that was in our log when we started, in log order, before anything else; `txn` may be null when the reader
/// has no memory for it.
struct Logged {
    Zxid zxid;
    Bytes txn;
};
/// Recovery is over. Nothing is sent before.
struct Start {};
struct Tick {};
/// Leader: a transaction to broadcast. Its zxid is the one that next_zxid() has told.
struct Submit {
    Zxid zxid;
    Bytes txn;
};
/// Leader: are we still, at a moment after now? Answered by Confirmed, in order; or never, if we are not.
struct Confirm {};
/// Leader: give up in favour of a follower. What is proposed is finished first, and nothing new is accepted meanwhile; if no
/// follower comes to have all of it within a tick, we go on leading. Without effect if nobody could follow us.
struct StepDown {};

struct LogDurable {
    Zxid up_to;  // this and all before it survive a power cut
};
struct LogTruncated {
    Zxid up_to;
};
/// The disk is not stalled: what it has done is held back, so that the checkpoint may catch up.
struct LogHeldBack {};
/// Records behind it only can be read.
struct LogBegins {
    Zxid after;
};
/// Answers ReadLog. Empty: the log has let go of them.
struct LogRead {
    std::uint64_t tag = 0;
    std::vector<Record> records;
};
struct HardStateSaved {};

struct LinkOpened {
    LinkId link{};
    bool dialled = false;  // by us, as Dial asked; else a learner's
};
/// Of the Dial that was asked for last.
struct DialFailed {};
struct LinkClosed {
    LinkId link{};
};
/// More has been sent than was taken, or no longer.
struct LinkCongested {
    LinkId link{};
    bool congested = false;
};
struct Packet {
    LinkId link{};
    wire::QuorumPacket packet;
};

/// Leader: a view of a checkpoint, complete up to `zxid`, can be streamed to the link.
struct SnapshotOpened {
    LinkId link{};
    Zxid zxid;
};
/// Leader: all of it is on its way.
struct SnapshotStreamed {
    LinkId link{};
};
/// Learner: the stream behind SNAP goes on, or has come whole, or is broken.
struct SnapshotProgress {
    LinkId link{};
    enum class Kind : std::uint8_t { kMore, kWhole, kBroken } kind = Kind::kMore;
};
/// Learner: it has taken the place of all there was, durably.
struct SnapshotInstalled {
    Zxid zxid;
};

struct ElectionMessage {
    ServerId from{};
    wire::Notification notification;
};
/// What became of the way to a voter: dialling it was refused, or the link to it broke; or there is one.
struct ElectionLink {
    ServerId peer{};
    bool up = false;
};

using Input =
    std::variant<Logged, Start, Tick, Submit, Confirm, StepDown, LogDurable, LogTruncated, LogHeldBack, LogBegins,
                 LogRead, HardStateSaved, LinkOpened, DialFailed, LinkClosed, LinkCongested, Packet, SnapshotOpened,
                 SnapshotStreamed, SnapshotProgress, SnapshotInstalled, ElectionMessage, ElectionLink>;

// --- outputs ---------------------------------------------------------------------------------------------------------

struct AppendToLog {
    Zxid zxid;
    Bytes txn;
};
/// All behind `up_to` goes, durably. Answered by LogTruncated.
struct TruncateLog {
    Zxid up_to;
};
/// Records behind `after`, of about so many bytes in all, but at least one. Answered by LogRead.
struct ReadLog {
    std::uint64_t tag = 0;
    Zxid after;
    std::size_t bytes_max = 0;
};
/// Answered by HardStateSaved.
struct SaveHardState {
    HardState state;
};
/// Committed and durable here: to be applied now. In zxid order, without gaps.
struct Deliver {
    Zxid zxid;
    Bytes txn;
};

struct Dial {
    ServerId leader{};
};
struct SendPacket {
    LinkId link{};
    wire::QuorumPacket packet;
};
struct CloseLink {
    LinkId link{};
    std::string reason;
};
/// For all voters at once; and for one. A later one takes the place of one that could not be sent yet.
struct SendNotification {
    std::vector<ServerId> to;
    wire::Notification notification;
};

/// Leader: answered by SnapshotOpened, then behind a SNAP packet StreamSnapshot is asked for.
struct OpenSnapshot {
    LinkId link{};
};
struct StreamSnapshot {
    LinkId link{};
};
/// Learner: raw bytes of a snapshot follow on the link; SnapshotProgress tells of them.
struct ReceiveSnapshot {
    LinkId link{};
    Zxid zxid;
    bool fuzzy = false;  // it was written while transactions went on
};
/// Learner: what came whole takes the place of log, checkpoint and state. Answered by SnapshotInstalled.
struct InstallSnapshot {
    Zxid zxid;
};
/// Learner: what came so far is forgotten.
struct DropSnapshot {};

/// Learner: the leader asks for what its sessions did; the core answers on the link, with the zxid.
struct AnswerPing {
    LinkId link{};
    Zxid zxid;
};
/// REQUEST, REVALIDATE and PING from a learner that is up to date; REVALIDATE and SYNC from the leader.
struct ForCore {
    LinkId link{};
    ServerId from{};
    wire::QuorumPacket packet;
};
struct Confirmed {};

enum class Role : std::uint8_t { kLooking, kLeading, kFollowing, kObserving };
/// `serving`: what the role promises may be answered from here on. All that was committed before has been delivered.
struct RoleChanged {
    Role role = Role::kLooking;
    bool serving = false;
    ServerId leader{};            // if serving
    Epoch epoch = 0;              // if serving
    LinkId link = LinkId::kNone;  // learner: to the leader
    std::string reason{};         // why it looks again
};
/// A learner of ours is gone, or has come and is up to date.
struct LearnerChanged {
    LinkId link{};
    ServerId server{};
    bool up_to_date = false;
    bool zabd = false;
    Zxid told{};  // up to date: what it has been told is committed so far; COMMITs say the rest
};
/// What an operator may want to know.
struct Note {
    std::string text;
};

using Output = std::variant<AppendToLog, TruncateLog, ReadLog, SaveHardState, Deliver, Dial, SendPacket, CloseLink,
                            SendNotification, OpenSnapshot, StreamSnapshot, ReceiveSnapshot, InstallSnapshot,
                            DropSnapshot, AnswerPing, ForCore, Confirmed, RoleChanged, LearnerChanged, Note>;

}  // namespace zabd::zab
