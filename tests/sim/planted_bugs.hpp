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

    // of ensembles
    kHardStateNotDurable,  // said to be saved, and not
    kInstallNotAtomic,     // the new state counts before it is whole
    kTruncIgnored,         // the log keeps what was to be cut
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
};

/// What is planted in this run: at most one.
struct Planted {
    Bug bug = Bug::kNone;
    [[nodiscard]] bool is(Bug asked) const { return bug == asked; }
};

}  // namespace zabd::sim
