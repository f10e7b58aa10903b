#include "tests/sim/checkers/fence.hpp"

#include <fmt/format.h>

#include <utility>

namespace zabd::sim {

void FenceChecker::on_greeting(const Greeting& greeting, const Model&) {
    told_ = told_ || greeting.asked_for != SessionId::kNone;
}

void FenceChecker::on_reply(const Reply& reply, const Model&) {
    told_ = told_ || (reply.asked.op != wire::OpCode::kPing && !is_write(reply.asked.op));
}

void FenceChecker::on_batch_end(const BatchEnd& end, const Model&) {
    const bool served = std::exchange(serves_, end.status.serving);
    if (std::exchange(told_, false) && !served && !serves_)
        violated("I-FENCE", fmt::format("server {} has answered, and follows nobody", number(end.server)));
}

}  // namespace zabd::sim
