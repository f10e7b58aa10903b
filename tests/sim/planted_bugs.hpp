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
    kHardStateSavedLate,   // said to be saved, and saved later
    kInstallNotAtomic,     // the new state counts before it is whole
    kTruncIgnored,         // the log keeps what was to be cut
    kTruncLate,            // the core is told before the log is cut
    kAckBeforeDurable,     // the core is told of durable records before they are written
    kAmnesiacCounted,      // a history that was damaged is said to be whole
    // of ensembles: what servers tell each other
    kProposalDropped,  // to a learner that is not up to date yet
    kProposalAltered,
    kCommitDropped,
    kInformDropped,
    kUpToDateEarly,        // with NEWLEADER
    kNewLeaderAckedEarly,  // as soon as it is sent
    kAckOfDead,            // a proposal counts as acknowledged once it is sent
    kAckInflated,          // of more than is durable
    kDiffForAll,           // a learner is sent DIFF where it had to cut its log
    kTruncTooFar,
    kSnapshotCutShort,  // and its end mark sent all the same
    kSnapshotAltered,   // one node of it
    kSnapshotOlder,     // than the zxid that it is told with
    kRequestForwardedTwice,
    kRequestDropped,
    kRevalidatedAlways,  // also a session that is over
    kTouchesDropped,     // of a learner's sessions
    kSyncAnsweredAtOnce,
    kSecretNotSpread,
    kVoteInflated,  // a zxid that the server does not have
    kStateWrong,    // of one server, when it starts
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
    BugName{Bug::kHardStateSavedLate, "hard-state-saved-late"},
    BugName{Bug::kInstallNotAtomic, "install-not-atomic"},
    BugName{Bug::kTruncIgnored, "trunc-ignored"},
    BugName{Bug::kTruncLate, "trunc-late"},
    BugName{Bug::kAckBeforeDurable, "ack-before-durable"},
    BugName{Bug::kAmnesiacCounted, "amnesiac-counted"},
    BugName{Bug::kProposalDropped, "proposal-dropped"},
    BugName{Bug::kProposalAltered, "proposal-altered"},
    BugName{Bug::kCommitDropped, "commit-dropped"},
    BugName{Bug::kInformDropped, "inform-dropped"},
    BugName{Bug::kUpToDateEarly, "uptodate-early"},
    BugName{Bug::kNewLeaderAckedEarly, "newleader-acked-early"},
    BugName{Bug::kAckOfDead, "ack-of-dead"},
    BugName{Bug::kAckInflated, "ack-inflated"},
    BugName{Bug::kDiffForAll, "diff-for-all"},
    BugName{Bug::kTruncTooFar, "trunc-too-far"},
    BugName{Bug::kSnapshotCutShort, "snapshot-cut-short"},
    BugName{Bug::kSnapshotAltered, "snapshot-altered"},
    BugName{Bug::kSnapshotOlder, "snapshot-older"},
    BugName{Bug::kRequestForwardedTwice, "request-forwarded-twice"},
    BugName{Bug::kRequestDropped, "request-dropped"},
    BugName{Bug::kRevalidatedAlways, "revalidated-always"},
    BugName{Bug::kTouchesDropped, "touches-dropped"},
    BugName{Bug::kSyncAnsweredAtOnce, "sync-answered-at-once"},
    BugName{Bug::kSecretNotSpread, "secret-not-spread"},
    BugName{Bug::kVoteInflated, "vote-inflated"},
    BugName{Bug::kStateWrong, "state-wrong"},
};

/// What is planted in this run: at most one.
struct Planted {
    Bug bug = Bug::kNone;
    [[nodiscard]] bool is(Bug asked) const { return bug == asked; }
};

}  // namespace zabd::sim
