// The operations that change nothing: answered from the tree of this server.
//
// Pure      but for the watches they register. Body and error as ZooKeeper gives them; order of checks is theirs.
// Bounds    a connection's watches (Options::watches_max), and what a multiRead may gather (kMultiReadBytesMax): a small
//           request must not make a reply without end. Beyond either: SystemError.
#pragma once

#include "server/core/client.hpp"
#include "wire/error_codes.hpp"
#include "wire/jute.hpp"
#include "wire/opcodes.hpp"
#include "wire/requests.hpp"
#include "znode/apply.hpp"
#include "znode/watches.hpp"

#include <cstddef>
#include <functional>
#include <string_view>

namespace zabd::core {

/// An event to be sent to the client before the reply (setWatches only).
using EmitEvent = std::function<void(wire::EventType type, std::string_view path)>;

struct ReadContext {
    const znode::State& state;
    znode::Watches& watches;
    const Client& client;
    bool check_acls = true;
    std::size_t watches_max = 0;  // of one connection; one more is SystemError
};

struct ReadOutcome {
    wire::ErrorCode error = wire::ErrorCode::kOk;
    bool keep_body = false;  // an error with a body (multiRead)
};

inline constexpr std::size_t kMultiReadBytesMax = 32 << 20;

/// Is it one of the operations that read() answers?
[[nodiscard]] bool is_read(wire::OpCode op);

/// Appends the reply's body to `out`.
ReadOutcome read(wire::OpCode op, std::string_view body, const ReadContext& context, wire::Encoder& out);

/// setWatches and setWatches2, whose missed events come first.
wire::ErrorCode set_watches(wire::OpCode op, std::string_view body, const ReadContext& context, const EmitEvent& emit);

}  // namespace zabd::core
