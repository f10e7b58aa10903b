#include "tests/sim/checkers/linear.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::ErrorCode;
using wire::OpCode;

void LinearChecker::on_client_sent(ClientId client, const Sent& sent) {
    asked_[client].push_back({.xid = sent.xid, .answered = answered_});
}

void LinearChecker::on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                                    std::string_view) {
    if (header.xid == wire::kXidPing) return;
    auto& asked = asked_[client];
    const auto found = std::ranges::find(asked, sent.xid, &Asked::xid);
    if (found == asked.end()) return;  // I-FIFO says so
    const auto before = found->answered;
    asked.erase(asked.begin(), found + 1);
    const bool refused = header.error == ErrorCode::kSystemError;
    if (is_write(sent.op) && !refused) {
        if (header.zxid <= before)
            violated("I-LIN", fmt::format("client {} asked xid {} after {:#x} was answered, and it became {:#x}",
                                          client, sent.xid, before.value, header.zxid.value));
        answered_ = std::max(answered_, header.zxid);
    }
    // What is read behind it is at least as new: I-MONO.
    if (sent.op == OpCode::kSync && header.error == ErrorCode::kOk && header.zxid < before)
        violated("I-LIN", fmt::format("client {} asked for a sync after {:#x} was answered, and got {:#x}", client,
                                      before.value, header.zxid.value));
}

}  // namespace zabd::sim
