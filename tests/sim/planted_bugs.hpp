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
    kEpochBeforeHistory,   // a learner's records count as durable before they are, so its epoch is saved first
    kAckBeforeDurable,     // the core is told of durable records before they are written
    kInstallNotAtomic,     // the new state counts before it is whole
    kTruncIgnored,         // the log keeps what was to be cut
    kAmnesiacCounted,      // a history that was lost is said to be whole
    kReadSkipsRecord,      // of the log, for a learner
    kLogThreadDies,        // and the process lives on
    kStateWrong,           // of one server, when it starts
    // of ensembles: what servers tell each other
    kVoteInflated,       // a zxid that the server does not have
    kQuorumOfOne,        // each server takes its own vote for most of the weight
    kLogEndUnderstated,  // by ACKEPOCH
    kSecretNotSpread,
    kDiffForAll,  // a learner is sent DIFF where it had to cut its log
    kTruncTooFar,
    kSnapshotCutShort,     // and its end mark sent all the same
    kSnapshotAltered,      // one node of it
    kSnapshotOlder,        // than the zxid that it is told with
    kNewLeaderEarly,       // before the history that it stands for
    kNewLeaderAckedEarly,  // as soon as it is sent
    kUpToDateEarly,        // with NEWLEADER
    kProposalAltered,
    kAckInflated,  // of more than is durable
    kAckOfDead,    // a proposal counts as acknowledged once it is sent
    kCommitBeforeQuorum,
    kCommitDropped,
    kInformDropped,
    kLeaderNeverSilent,  // a follower hears of its leader, whatever happens
    // of ensembles: sessions and requests
    kRequestForwardedTwice,
    kRequestDropped,
    kRequestsSwapped,  // two of a session
    kSyncAnsweredAtOnce,
    kSyncBeforeCommits,  // that were sent before it
    kTouchesDropped,     // of a learner's sessions
    kExpiredByFollower,
    kWatchesSetAnew,  // as if nothing could have happened while the client was away
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
    BugName{Bug::kEpochBeforeHistory, "epoch-before-history"},
    BugName{Bug::kAckBeforeDurable, "ack-before-durable"},
    BugName{Bug::kInstallNotAtomic, "install-not-atomic"},
    BugName{Bug::kTruncIgnored, "trunc-ignored"},
    BugName{Bug::kAmnesiacCounted, "amnesiac-counted"},
    BugName{Bug::kReadSkipsRecord, "read-skips-record"},
    BugName{Bug::kLogThreadDies, "log-thread-dies"},
    BugName{Bug::kStateWrong, "state-wrong"},
    BugName{Bug::kVoteInflated, "vote-inflated"},
    BugName{Bug::kQuorumOfOne, "quorum-of-one"},
    BugName{Bug::kLogEndUnderstated, "log-end-understated"},
    BugName{Bug::kSecretNotSpread, "secret-not-spread"},
    BugName{Bug::kDiffForAll, "diff-for-all"},
    BugName{Bug::kTruncTooFar, "trunc-too-far"},
    BugName{Bug::kSnapshotCutShort, "snapshot-cut-short"},
    BugName{Bug::kSnapshotAltered, "snapshot-altered"},
    BugName{Bug::kSnapshotOlder, "snapshot-older"},
    BugName{Bug::kNewLeaderEarly, "newleader-early"},
    BugName{Bug::kNewLeaderAckedEarly, "newleader-acked-early"},
    BugName{Bug::kUpToDateEarly, "uptodate-early"},
    BugName{Bug::kProposalAltered, "proposal-altered"},
    BugName{Bug::kAckInflated, "ack-inflated"},
    BugName{Bug::kAckOfDead, "ack-of-dead"},
    BugName{Bug::kCommitBeforeQuorum, "commit-before-quorum"},
    BugName{Bug::kCommitDropped, "commit-dropped"},
    BugName{Bug::kInformDropped, "inform-dropped"},
    BugName{Bug::kLeaderNeverSilent, "leader-never-silent"},
    BugName{Bug::kRequestForwardedTwice, "request-forwarded-twice"},
    BugName{Bug::kRequestDropped, "request-dropped"},
    BugName{Bug::kRequestsSwapped, "requests-swapped"},
    BugName{Bug::kSyncAnsweredAtOnce, "sync-answered-at-once"},
    BugName{Bug::kSyncBeforeCommits, "sync-before-commits"},
    BugName{Bug::kTouchesDropped, "touches-dropped"},
    BugName{Bug::kExpiredByFollower, "expired-by-follower"},
    BugName{Bug::kWatchesSetAnew, "watches-set-anew"},
};

/// What is planted in this run: at most one.
struct Planted {
    Bug bug = Bug::kNone;
    [[nodiscard]] bool is(Bug asked) const { return bug == asked; }
    /// Some server hears packets that nobody sent. They must not fall into the midst of another one.
    [[nodiscard]] bool makes_hear() const {
        return is(Bug::kNewLeaderAckedEarly) || is(Bug::kAckOfDead) || is(Bug::kSyncAnsweredAtOnce) ||
               is(Bug::kLeaderNeverSilent);
    }
};

}  // namespace zabd::sim
