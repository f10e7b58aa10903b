// What a transaction came to, in the form in which its client is answered.
#pragma once

#include <span>

#include "wire/error_codes.hpp"
#include "wire/jute.hpp"
#include "wire/opcodes.hpp"
#include "znode/apply.hpp"

namespace zabd::core {

/// Appends the reply's body and answers the error of its header. `op` is what the client asked. A multi that failed by
/// one of its operations has no error in the header: its results tell.
wire::ErrorCode write_reply(wire::OpCode op, std::span<const znode::OperationResult> results, wire::Encoder& out);

}  // namespace zabd::core
