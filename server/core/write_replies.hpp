// What a transaction came to, in the form in which its client is answered.
#pragma once

#include "wire/error_codes.hpp"
#include "wire/jute.hpp"
#include "wire/opcodes.hpp"
#include "znode/apply.hpp"

#include <span>

namespace zabd::core {

/// Appends the reply's body and answers the error of its header. `op` is what the client asked, `type` what became of
/// it: a multi that failed by one of its operations is still one, and its results tell instead of the header.
wire::ErrorCode write_reply(wire::OpCode op, wire::OpCode type, std::span<const znode::OperationResult> results,
                            wire::Encoder& out);

}  // namespace zabd::core
