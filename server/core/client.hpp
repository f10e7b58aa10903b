// What the core knows of one client connection.
#pragma once

#include "server/core/status.hpp"
#include "wire/acl.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/time.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace zabd::core {

/// A request that was taken and not yet answered, in the order of arrival.
struct Waiting {
    enum class For : std::uint8_t {
        kCommit,   // a write in flight: the transaction `zxid`
        kSync,     // a sync: everything up to `zxid` applied
        kTurn,     // a request behind one of these, or behind the handshake; `frame` is kept for then
        kRefusal,  // a write behind one of these, for which the disk has no room
    } what = For::kTurn;
    Xid xid = 0;
    wire::OpCode op = wire::OpCode::kNotification;
    Zxid zxid{};
    Instant since{};
    std::string frame{};
};

struct Client {
    enum class Phase : std::uint8_t {
        kNew,      // nothing heard yet
        kOpening,  // its createSession is in flight
        kOpen,
        kClosing,  // what it still sends gets no answer
    };

    ConnectionId id = ConnectionId::kNone;
    Phase phase = Phase::kNew;
    bool paused = false;
    bool says_read_only = false;  // its connect request had the readOnly byte, so the reply has it too
    SessionId session = SessionId::kNone;
    Millis timeout{0};  // negotiated
    std::vector<wire::Id> identities;
    std::deque<Waiting> waiting;
    std::size_t waiting_bytes = 0;  // of the frames kept
    ConnectionStatus status;        // what the word cons tells; filled in as it happens
};

}  // namespace zabd::core
