#include "server/core/write_replies.hpp"

#include "wire/assert.hpp"
#include "wire/requests.hpp"

namespace zabd::core {
namespace {

using wire::ErrorCode;
using wire::OpCode;

/// The type under which an operation of a multi is answered: all creates with a stat are one there.
OpCode answered_as(OpCode type) {
    const bool with_stat = type == OpCode::kCreateContainer || type == OpCode::kCreateTtl;
    return with_stat ? OpCode::kCreate2 : type;
}

void encode_result(OpCode op, const znode::OperationResult& result, wire::Encoder& out) {
    switch (op) {
        case OpCode::kCreate: return wire::encode(out, wire::PathReply{result.path});
        case OpCode::kCreate2:
        case OpCode::kCreateContainer:
        case OpCode::kCreateTtl: return wire::encode(out, wire::PathStatReply{result.path, result.stat});
        case OpCode::kSetData:
        case OpCode::kSetAcl: return wire::encode(out, wire::StatReply{result.stat});
        default: return;  // header only
    }
}

void encode_multi(std::span<const znode::OperationResult> results, wire::Encoder& out) {
    for (const auto& result : results) {
        const bool is_error = result.type == OpCode::kError;
        wire::encode(out, wire::MultiHeader{is_error ? OpCode::kError : answered_as(result.type), false, result.error});
        if (is_error) {
            wire::encode(out, wire::ErrorReply{result.error});
        } else {
            encode_result(result.type, result, out);
        }
    }
    wire::encode(out, wire::kMultiEnd);
}

}  // namespace

ErrorCode write_reply(OpCode op, OpCode type, std::span<const znode::OperationResult> results, wire::Encoder& out) {
    if (type == OpCode::kMulti) return encode_multi(results, out), ErrorCode::kOk;
    ZABD_ASSERT(results.size() == 1);
    if (results[0].error != ErrorCode::kOk) return results[0].error;
    encode_result(op, results[0], out);
    return ErrorCode::kOk;
}

}  // namespace zabd::core
