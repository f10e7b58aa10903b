// What the core knows of one client connection.
#pragma once

#include "server/core/status.hpp"
#include "wire/acl.hpp"
#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace zabd::core {

/// A request that was taken and not yet answered, in the order of arrival.
struct Waiting {
    enum class For : std::uint8_t {
        kWrite,    // its transaction
        kBarrier,  // a sync, or a read that must not be stale: that its group has passed (syncs.hpp)
        kTurn,     // those before it
        kRefusal,  // those before it, then `error` is all it gets
    } what = For::kTurn;
    bool lost = false;  // kWrite, kBarrier: the leader that was asked is gone; the next one is to be asked
    Xid xid = 0;
    wire::OpCode op = wire::OpCode::kNotification;
    wire::ErrorCode error = wire::ErrorCode::kOk;
    std::uint64_t group = 0;
    Instant since{};
    std::string frame{};  // of a write in an ensemble only: it may have to be submitted again
};

/// A frame that could not be taken yet: no leader is there, or the session is not open.
struct Held {
    Instant since{};
    std::string frame;
};

struct Client {
    enum class Phase : std::uint8_t {
        kNew,         // no connect request has been taken
        kOpening,     // its createSession is in flight
        kValidating,  // it takes up a session again, and the leader is asked whether that is open
        kOpen,
        kResuming,  // it was open when the leader was lost
        kClosing,   // what it still sends gets no answer
    };

    ConnectionId id = ConnectionId::kNone;
    Phase phase = Phase::kNew;
    bool paused = false;
    bool says_read_only = false;     // its connect request had the readOnly byte, so the reply has it too
    bool accepts_read_only = false;  // and it was set
    bool greeted_read_only = false;  // it was told that it may only read
    SessionId session = SessionId::kNone;
    Millis timeout{0};  // negotiated
    /// What the session's earlier connection submitted ends up to here: it is not for this one.
    Zxid attached_at;
    std::vector<wire::Id> identities;
    std::deque<Waiting> waiting;
    std::deque<Held> held;
    std::size_t lost = 0;         // of `waiting`
    bool dropped = false;         // a request, as the session's end was proposed
    std::size_t barriers = 0;     // of `waiting`
    std::size_t frame_bytes = 0;  // of the frames in `waiting` and `held`
    ConnectionStatus status;      // what the word cons tells; filled in as it happens

    [[nodiscard]] std::size_t queued() const { return waiting.size() + held.size(); }
};

}  // namespace zabd::core
