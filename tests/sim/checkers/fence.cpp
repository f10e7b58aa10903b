#include "tests/sim/checkers/fence.hpp"

#include <fmt/format.h>

#include <utility>

namespace zabd::sim {

void FenceChecker::on_greeting(const Greeting& greeting, const Model&) {
    if (greeting.asked_for != SessionId::kNone)
        told_ = fmt::format("greeted session {:#x}", number(greeting.asked_for));
}

void FenceChecker::on_reply(const Reply& reply, const Model&) {
    // A write that turns out to be committed is answered, and with it the reads between it and the next one.
    if (is_write(reply.asked.op)) wrote_.insert(reply.session);
    if (reply.asked.op == wire::OpCode::kPing || wrote_.contains(reply.session)) return;
    told_ = fmt::format("answered xid {} of session {:#x}", reply.header.xid, number(reply.session));
}

void FenceChecker::on_batch_end(const BatchEnd& end, const Model&) {
    const bool served = std::exchange(serves_, end.status.serving);
    const auto told = std::exchange(told_, {});
    wrote_.clear();
    if (!told.empty() && !served && !serves_)
        violated("I-FENCE", fmt::format("server {} has {}, and follows nobody", number(end.server), told));
}

}  // namespace zabd::sim
