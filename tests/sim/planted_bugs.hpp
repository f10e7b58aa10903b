// Bugs that tests put into a run to see that the checkers find them. Each sits at a seam between production parts, or
// between one of them and the simulated world: production code knows none of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace zabd::sim {

enum class Bug : std::uint8_t {
    kNone,
    kAnswerBeforeSync,  // the core is told of durable records before they are written
    kSyncSkipped,       // of files
    kDirectorySyncSkipped,
    kFailedSyncRetried,  // and the second success believed
    kZxidBeforeData,     // the checkpoint names its zxid before what leads to it is there
    kReleasedEarly,      // the log is released when the checkpoint is asked for, not when it is durable
    kTornTailAccepted,   // records of a torn batch are taken for whole ones
    kSequenceForgotten,  // the counter of children ever created is not restored
    kSessionForgotten,   // a session is not restored
    kEphemeralKept,      // a closed session's ephemeral is restored
    kEventDropped,
    kEventBehindReply,
    kRepliesSwapped,
    kExpiredEarly,
    kPauseIgnored,
    kWriteTwice,  // a request is handed to the core twice

    // of ensembles: the disk
    kHardStateNotDurable,  // said to be saved, and not
    kInstallNotAtomic,     // the new state counts before it is whole
    kTruncIgnored,         // the log keeps what was to be cut
    kTruncNotDurable,      // the core is told before the log is cut
    kAckBeforeDurable,     // the core is told of durable records before they are written
    kAmnesiacCounted,      // an empty disk is said to have a history
    // what a server tells its peers
    kProposalDropped,       // to a learner that is not up to date yet
    kCommitDropped,         // to a learner that is not up to date yet
    kUpToDateEarly,         // with NEWLEADER
    kNewLeaderAckedEarly,   // before the history is durable
    kEpochAckedEarly,       // ACKEPOCH before the epoch is saved
    kAckOfDead,             // a leader hears acknowledgements of a server that is gone
    kAckOfAnother,          // an acknowledgement counts as another server's too
    kAckInflated,           // of more than is durable
    kDiffForAll,            // a learner is sent DIFF where it had to cut its log
    kSnapshotCutShort,      // and its end mark sent all the same
    kSnapshotOlder,         // than the zxid that it is told with
    kRequestForwardedTwice,
    kRequestDropped,
    kRevalidatedAlways,
    kTouchesDropped,
    kSyncAnsweredAtOnce,
    kVoteInflated,          // of a zxid that the server does not have
    kOldLinkLives,          // its packets are delivered on the next one
    kProposalAltered,       // on its way to one learner
    kCloseListAltered,      // of a closeSession, on one replica
    // what a server does
    kDigestDiverges,        // of one server
    kServesAfterLoss,       // it answers though it follows nobody
    kEphemeralStays,        // on one replica
};

struct BugName {
    Bug bug;
    std::string_view name;
};
inline constexpr std::array kBugs{
    BugName{Bug::kAnswerBeforeSync, "answer-before-sync"},
    BugName{Bug::kSyncSkipped, "sync-skipped"},
    BugName{Bug::kDirectorySyncSkipped, "directory-sync-skipped"},
    BugName{Bug::kFailedSyncRetried, "failed-sync-retried"},
    BugName{Bug::kZxidBeforeData, "zxid-before-data"},
    BugName{Bug::kReleasedEarly, "released-early"},
    BugName{Bug::kTornTailAccepted, "torn-tail-accepted"},
    BugName{Bug::kSequenceForgotten, "sequence-forgotten"},
    BugName{Bug::kSessionForgotten, "session-forgotten"},
    BugName{Bug::kEphemeralKept, "ephemeral-kept"},
    BugName{Bug::kEventDropped, "event-dropped"},
    BugName{Bug::kEventBehindReply, "event-behind-reply"},
    BugName{Bug::kRepliesSwapped, "replies-swapped"},
    BugName{Bug::kExpiredEarly, "expired-early"},
    BugName{Bug::kPauseIgnored, "pause-ignored"},
    BugName{Bug::kWriteTwice, "write-twice"},
    BugName{Bug::kHardStateNotDurable, "hard-state-not-durable"},
    BugName{Bug::kInstallNotAtomic, "install-not-atomic"},
    BugName{Bug::kTruncIgnored, "trunc-ignored"},
    BugName{Bug::kTruncNotDurable, "trunc-not-durable"},
    BugName{Bug::kAckBeforeDurable, "ack-before-durable"},
    BugName{Bug::kAmnesiacCounted, "amnesiac-counted"},
    BugName{Bug::kProposalDropped, "proposal-dropped"},
    BugName{Bug::kCommitDropped, "commit-dropped"},
    BugName{Bug::kUpToDateEarly, "uptodate-early"},
    BugName{Bug::kNewLeaderAckedEarly, "newleader-acked-early"},
    BugName{Bug::kEpochAckedEarly, "epoch-acked-early"},
    BugName{Bug::kAckOfDead, "ack-of-dead"},
    BugName{Bug::kAckOfAnother, "ack-of-another"},
    BugName{Bug::kAckInflated, "ack-inflated"},
    BugName{Bug::kDiffForAll, "diff-for-all"},
    BugName{Bug::kSnapshotCutShort, "snapshot-cut-short"},
    BugName{Bug::kSnapshotOlder, "snapshot-older"},
    BugName{Bug::kRequestForwardedTwice, "request-forwarded-twice"},
    BugName{Bug::kRequestDropped, "request-dropped"},
    BugName{Bug::kRevalidatedAlways, "revalidated-always"},
    BugName{Bug::kTouchesDropped, "touches-dropped"},
    BugName{Bug::kSyncAnsweredAtOnce, "sync-answered-at-once"},
    BugName{Bug::kVoteInflated, "vote-inflated"},
    BugName{Bug::kOldLinkLives, "old-link-lives"},
    BugName{Bug::kProposalAltered, "proposal-altered"},
    BugName{Bug::kCloseListAltered, "close-list-altered"},
    BugName{Bug::kDigestDiverges, "digest-diverges"},
    BugName{Bug::kServesAfterLoss, "serves-after-loss"},
    BugName{Bug::kEphemeralStays, "ephemeral-stays"},
};

/// What is planted in this run: at most one.
struct Planted {
    Bug bug = Bug::kNone;
    [[nodiscard]] bool is(Bug asked) const { return bug == asked; }
};

}  // namespace zabd::sim
