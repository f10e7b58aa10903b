// A write request into a transaction: the checks, in ZooKeeper's order, and every value resolved.
//
// Input     the body of a client's request as it came; the state plus the proposals in flight.
// Output    a whole transaction (header and body, encoded). Failure is a transaction too, of type kError: it takes a
//           zxid and is logged like any other. A failed multi stays a multi with its errors inside.
// Errors    by value, in the transaction. Malformed bodies give MarshallingError, and so does a multi that holds one.
#pragma once

#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/time.hpp"
#include "znode/acl_rules.hpp"
#include "znode/apply.hpp"
#include "znode/overlay.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zabd::znode {

struct PrepareOptions {
    bool extended_types = false;  // TTL nodes
    bool enforce_quota = false;
    bool check_acls = true;
    std::size_t txn_bytes_max =
        std::size_t{2} * 1048575;  // of an encoded transaction; a larger one fails with MarshallingError
    /// Sum of the path lengths of a session's ephemerals: bounds its closeSession, which cannot fail. A create beyond
    /// it fails with SystemError, the one code for a full server that clients of all ages know.
    std::size_t ephemeral_bytes_per_session_max = std::size_t{64} << 20;
};

/// Who asks, and what the transaction is to carry.
struct WriteContext {
    SessionId session = SessionId::kNone;
    Xid xid = 0;
    Zxid zxid;
    WallTime time{};
    Identities identities;
};

class Preparer {
public:
    Preparer(const State& state, PrepareOptions options) : state_(state), overlay_(state), options_(options) {}

    /// create*, delete, setData, setACL, multi, deleteContainer (by the reaper only; the core keeps clients off it; its
    /// body is a PathRequest). Appends the transaction to `txn`.
    void prepare(wire::OpCode op, std::string_view body, const WriteContext& context, std::string& txn);

    /// A request that failed before it came here (its session is closing, say).
    void prepare_error(wire::ErrorCode error, const WriteContext& context, std::string& txn);

    /// The session's start, and its end with all its ephemerals.
    void prepare_create_session(std::int32_t timeout_ms, const WriteContext& context, std::string& txn);
    void prepare_close_session(const WriteContext& context, std::string& txn);

    void applied(Zxid zxid) { overlay_.applied(zxid); }
    /// Leadership is lost: nothing that was in flight will come about through this object.
    void discard() { overlay_.clear(); }
    [[nodiscard]] const Overlay& overlay() const { return overlay_; }

private:
    const State& state_;
    Overlay overlay_;
    PrepareOptions options_;
};

}  // namespace zabd::znode
