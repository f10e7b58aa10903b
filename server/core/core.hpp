// The core of a server: all that decides anything, as one deterministic object.
//
// Use       step(input, out) for every input, each batch opened by TimeIs; carry out `out.items` in order; clear; again.
// Effects   none: no clock, random source, thread, file or socket. The same inputs give the same outputs.
// Order     the caller owes first-in-first-out per connection and towards the log and the checkpoint, no other.
// Errors    none returned. Bad frames end in an error reply or CloseClient; a broken invariant stops the process.
// Bounds    requests in flight by Options::outstanding_max, after which PauseClient asks for back-pressure; at twice as many
//           transactions in flight new sessions are turned away.
#pragma once

#include "server/core/inspect.hpp"
#include "server/core/options.hpp"
#include "server/core/status.hpp"
#include "session/table.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/time.hpp"
#include "zab/events.hpp"
#include "znode/apply.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zabd::core {

// --- inputs ----------------------------------------------------------------------------------------------------------

/// First of every batch, and at least once a tick. `monotonic` never goes back; `wall` may.
struct TimeIs {
    Now now;
};
struct ClientOpened {
    ConnectionId connection;
    std::string_view address;  // text form, without the port
    std::uint16_t port = 0;
};
struct ClientFrame {
    ConnectionId connection;
    std::string_view frame;  // without its prefix; good during the call
};
struct ClientClosed {
    ConnectionId connection;
};
inline constexpr std::uint64_t kUnlimitedRoom = std::numeric_limits<std::uint64_t>::max();
/// A record of our own log behind the checkpoint. At start, in order, before any other input.
struct LogRecovered {
    Zxid zxid;
    Bytes txn;
};
struct LogDurable {
    Zxid up_to;
};
/// The log's disk is full: so many bytes of records, each with Options::log_overhead_bytes_max, still have room behind all
/// that is durable. Writes beyond are refused with SystemError until more is told; what keeps sessions right is not.
/// kUnlimitedRoom, as from the start: the disk is not full.
struct LogRoom {
    std::uint64_t bytes = kUnlimitedRoom;
};
struct LogTruncated {
    Zxid up_to;
};
/// While LogDurable is held back, so that the checkpoint may catch up: the disk is not stalled.
struct LogHeldBack {};
/// The log lets go of its oldest segments: only records behind it can be read.
struct LogBegins {
    Zxid after;
};
/// Answers ReadLog; empty: what was asked for is gone.
struct LogRead {
    std::uint64_t tag = 0;
    std::vector<zab::Record> records;
};
struct HardStateSaved {};

/// A connection on the quorum port: dialled by us, as DialLeader asked, or a learner's.
struct PeerOpened {
    LinkId link{};
    bool dialled = false;
};
/// DialLeader failed.
struct PeerUnreachable {};
struct PeerBytes {
    LinkId link{};
    std::string_view bytes;  // good during the call
};
struct PeerClosed {
    LinkId link{};
};
/// So much waits to be sent that more had better wait; or no longer.
struct PeerCongested {
    LinkId link{};
    bool congested = false;
};
/// A message of the election, from the voter at the other end of an election link.
struct ElectionFrame {
    ServerId from{};
    std::string_view payload;  // good during the call
};
/// An election link stands, or dialling it was refused, or it broke.
struct ElectionLink {
    ServerId peer{};
    bool up = false;
};
/// Answers OpenSnapshot: a view of the checkpoint, complete up to `zxid`.
struct SnapshotOpened {
    LinkId link{};
    Zxid zxid;
};
/// Answers StreamSnapshot: all of it has been handed to the link.
struct SnapshotStreamed {
    LinkId link{};
};
/// Answers InstallSnapshot.
struct SnapshotInstalled {
    Zxid zxid;
};
/// srst, crst.
struct ResetStatistics {
    bool connections_only = false;
};
/// A leader gives up its place to a follower; without effect if Core::can_step_down() does not hold.
struct StepDown {};
using Input = std::variant<TimeIs, ClientOpened, ClientFrame, ClientClosed, LogRecovered, LogDurable, LogRoom,
                           LogTruncated, LogHeldBack, LogBegins, LogRead, HardStateSaved, PeerOpened, PeerUnreachable,
                           PeerBytes, PeerClosed, PeerCongested, ElectionFrame, ElectionLink, SnapshotOpened,
                           SnapshotStreamed, SnapshotInstalled, ResetStatistics, StepDown>;

// --- outputs ---------------------------------------------------------------------------------------------------------

/// Whole frames, with their prefixes: a range of Outputs::bytes. One range may go to many.
struct SendToClient {
    ConnectionId connection;
    std::size_t begin = 0;
    std::size_t size = 0;
};
/// After what was sent before; ClientClosed follows.
struct CloseClient {
    ConnectionId connection;
};
/// Stop or go on reading from the client.
struct PauseClient {
    ConnectionId connection;
    bool paused = true;
};
struct AppendToLog {
    Zxid zxid;
    Bytes txn;
};
/// All that changed since the last one, at the latest by the next TimeIs.
struct PutCheckpoint {
    wire::StateImages images;
};
/// All behind `up_to` goes, durably; then LogTruncated.
struct TruncateLog {
    Zxid up_to;
};
/// Records behind `after`, of about so many bytes in all, but at least one; then LogRead.
struct ReadLog {
    std::uint64_t tag = 0;
    Zxid after;
    std::size_t bytes_max = 0;
};
/// As one, durably; then HardStateSaved.
struct SaveHardState {
    zab::HardState state;
};

/// A new connection to that server's quorum port; then PeerOpened or PeerUnreachable. An earlier attempt is given up.
struct DialLeader {
    ServerId server{};
};
/// A range of Outputs::bytes.
struct SendToPeer {
    LinkId link{};
    std::size_t begin = 0;
    std::size_t size = 0;
};
/// At once; no PeerClosed follows, nor anything else of the link.
struct ClosePeer {
    LinkId link{};
    std::string reason;
};
/// A message of the election (a range of Outputs::bytes) to that voter; takes the place of one not yet sent. Dials, if
/// there is no election link.
struct SendElection {
    ServerId to{};
    std::size_t begin = 0;
    std::size_t size = 0;
};

/// A view of the newest checkpoint, held until it is streamed or the link is gone; then SnapshotOpened. If there is no
/// checkpoint yet, once there is.
struct OpenSnapshot {
    LinkId link{};
};
/// The view's content goes to the link (wire/snapshot_stream.hpp), behind what was sent before and before all that is
/// sent later; then SnapshotStreamed.
struct StreamSnapshot {
    LinkId link{};
};
/// For a new checkpoint beside the one in use: the first one of it has `begins` set, and replaces what was put before.
struct PutInstall {
    bool begins = false;
    wire::StateImages images;
};
/// What was put, complete up to images.zxid of the last one, takes the place of checkpoint and log, as one and durably;
/// then SnapshotInstalled. What is appended to the log from here on goes behind it.
struct FinishInstall {
    Zxid zxid;
};
/// What was put is forgotten.
struct DropInstall {};

/// For the log: what happened that an operator may want to know.
struct Event {
    enum class Kind {
        kSessionExpired,
        kSessionRefused,
        kEpochAdvanced,
        kReaped,
        kRole,
        kPeer,
        kSlowRequest,
    } kind;
    SessionId session = SessionId::kNone;
    Zxid zxid;
    std::string detail;
};
/// Something that a client asked to be changed, and what became of it: for the audit log, if Options::audit.
struct Audited {
    WallTime time{};
    SessionId session = SessionId::kNone;
    std::string address{};  // of the client, without the port; empty: the server itself acted
    std::vector<wire::Id> identities{};
    wire::OpCode op = wire::OpCode::kNotification;
    std::string path{};  // empty: of none
    wire::ErrorCode result = wire::ErrorCode::kOk;
    bool unknown = false;  // its client left before there was an answer: it may have happened or not
    Zxid zxid{};           // of its transaction; 0: there was none
};
using Output = std::variant<SendToClient, CloseClient, PauseClient, AppendToLog, PutCheckpoint, TruncateLog, ReadLog,
                            SaveHardState, DialLeader, SendToPeer, ClosePeer, SendElection, OpenSnapshot,
                            StreamSnapshot, PutInstall, FinishInstall, DropInstall, Event, Audited>;

struct Outputs {
    std::vector<Output> items;
    std::string bytes;  // what the ranges of SendToClient mean

    void clear() { items.clear(), bytes.clear(); }
};

// --- the core --------------------------------------------------------------------------------------------------------

/// What a checkpoint held. Default: nothing, a fresh server, whose built-in nodes are then to be put.
struct Recovered {
    znode::State state;
    session::Table sessions;
    Zxid zxid;
    bool fresh = true;
    zab::HardState hard_state{};
    Zxid log_begin{};                // records behind it can be read from the log
    std::vector<Zxid> epoch_ends{};  // behind log_begin and up to zxid: the last zxid of each epoch that is over
};

class Core {
public:
    Core(const Options& options, Recovered recovered);
    ~Core();

    void step(const Input& input, Outputs& out);

    /// All that words, admin and metrics may tell. O(1) but for the lists, which are O(what they list).
    [[nodiscard]] Status status() const;
    // Of its figures, for who asks at every turn.
    [[nodiscard]] std::size_t outstanding() const;
    [[nodiscard]] Zxid zxid_applied() const;
    /// The log must not let go of what lies behind it: a learner of ours is to be sent that. Highest zxid: none is.
    [[nodiscard]] Zxid log_needed() const;
    [[nodiscard]] std::vector<ConnectionStatus> connections() const;
    [[nodiscard]] SessionsStatus sessions() const;
    [[nodiscard]] WatchesStatus watches() const;
    [[nodiscard]] std::vector<DigestSample> digests() const;

    // Looking into it (inspect.hpp).
    [[nodiscard]] NodeAnswer node(std::string_view path, znode::Identities who) const;
    [[nodiscard]] WalkAnswer walk(const WalkQuery& query, znode::Identities who) const;
    /// From `from` on, by id.
    [[nodiscard]] SessionsAnswer sessions_page(SessionId from, std::size_t max) const;
    [[nodiscard]] std::optional<SessionView> session(SessionId id) const;
    /// Paths of its ephemerals, at most so many.
    [[nodiscard]] std::vector<std::string> ephemerals_of(SessionId id, std::size_t max) const;
    [[nodiscard]] std::optional<ConnectionStatus> connection(ConnectionId id) const;
    /// From `from` on, by id, at most so many.
    [[nodiscard]] std::vector<ConnectionStatus> connections_page(ConnectionId from, std::size_t max) const;
    [[nodiscard]] WatchesAnswer watches_page(WatchCursor from, std::size_t max) const;
    [[nodiscard]] std::vector<LearnerView> learners() const;
    /// It leads, and there is a follower that could take its place.
    [[nodiscard]] bool can_step_down() const;
    [[nodiscard]] std::vector<PathLoad> top_paths() const;
    /// With which a client may take the session over. Secret.
    [[nodiscard]] wire::Password password_of(SessionId id) const;

    /// O(n). For tests and the simulator.
    void check_invariants() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::core
