// What zabctl ends with, for scripts. docs/zabctl.md and `zabctl help --markdown` print this table.
#pragma once

#include <array>
#include <string_view>

namespace zabd::zabctl {

enum ExitCode : int {
    kOk = 0,
    kFailed = 1,
    kUsage = 2,
    kCannotConnect = 3,
    kTimeout = 4,
    kNoNode = 5,
    kNodeExists = 6,
    kBadVersion = 7,
    kNotEmpty = 8,
    kNotAllowed = 9,
    kLockLost = 10,
    kCannotRun = 126,
    kInterrupted = 130,
};

struct ExitCodeMeaning {
    ExitCode code;
    std::string_view meaning;
};

inline constexpr std::array kExitCodes{
    ExitCodeMeaning{kOk, "done"},
    ExitCodeMeaning{kFailed, "the operation failed, for a reason that has no code of its own"},
    ExitCodeMeaning{kUsage, "the command line is wrong; nothing was asked of a server"},
    ExitCodeMeaning{kCannotConnect, "no server could be reached, or the connection or session was lost"},
    ExitCodeMeaning{kTimeout, "no answer within --timeout; a write may have been applied"},
    ExitCodeMeaning{kNoNode, "no such node"},
    ExitCodeMeaning{kNodeExists, "the node exists already"},
    ExitCodeMeaning{kBadVersion, "the version is not the one that was asked for"},
    ExitCodeMeaning{kNotEmpty, "the node has children"},
    ExitCodeMeaning{kNotAllowed, "the node's ACL, or the server, does not allow it"},
    ExitCodeMeaning{kLockLost, "lock, elect: the lock or the leadership was lost while the command ran"},
    ExitCodeMeaning{kCannotRun, "lock, elect: the command could not be started"},
    ExitCodeMeaning{kInterrupted, "interrupted by Ctrl-C or SIGTERM"},
};

}  // namespace zabd::zabctl
