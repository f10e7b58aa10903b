// Operation numbers of the client protocol; transactions use the same numbers for their types.
#pragma once

#include <cstdint>
#include <string_view>

namespace zabd::wire {

enum class OpCode : std::int32_t {
    kNotification = 0,
    kCreate = 1,
    kDelete = 2,
    kExists = 3,
    kGetData = 4,
    kSetData = 5,
    kGetAcl = 6,
    kSetAcl = 7,
    kGetChildren = 8,
    kSync = 9,
    kPing = 11,
    kGetChildren2 = 12,
    kCheck = 13,
    kMulti = 14,
    kCreate2 = 15,
    kReconfig = 16,
    kCheckWatches = 17,
    kRemoveWatches = 18,
    kCreateContainer = 19,
    kDeleteContainer = 20,  // between servers only; from a client it is an unknown operation here
    kCreateTtl = 21,
    kMultiRead = 22,
    kAuth = 100,
    kSetWatches = 101,
    kSasl = 102,
    kGetEphemerals = 103,
    kGetAllChildrenNumber = 104,
    kSetWatches2 = 105,
    kAddWatch = 106,
    kWhoAmI = 107,
    kCreateSession = -10,  // inside the server only
    kCloseSession = -11,
    kError = -1,  // type of a transaction that failed to prepare
};

/// "setData": as ZooKeeper's documentation calls it; "unknown" of a number that is none of these.
[[nodiscard]] std::string_view name_of(OpCode op);

/// Xids with a meaning of their own (a convention among clients, except kPing, which the server enforces).
inline constexpr std::int32_t kXidWatchEvent = -1;
inline constexpr std::int32_t kXidPing = -2;

}  // namespace zabd::wire
