#include "tests/sim/checkers/answers.hpp"

#include <fmt/format.h>

namespace zabd::sim {

using wire::ErrorCode;
using wire::OpCode;

namespace {

[[noreturn]] void differ(const Reply& reply, std::string_view what) {
    violated("I-MODEL", fmt::format("session {:#x} xid {} op {} at zxid {:#x}: {}", number(reply.session),
                                    reply.asked.xid, static_cast<int>(reply.asked.op), reply.header.zxid.value, what));
}

void check_same(const Reply& reply, ErrorCode error, std::string_view body) {
    if (reply.header.error != error)
        differ(reply, fmt::format("error {}, not {}", static_cast<int>(reply.header.error), static_cast<int>(error)));
    if (reply.body != body)
        differ(reply, fmt::format("the reply's body differs: {} and {} bytes", reply.body.size(), body.size()));
}

}  // namespace

void AnswersChecker::on_reply(const Reply& reply, const Model& model) {
    const auto op = reply.asked.op;
    if (is_write(op)) return check_write(reply);
    if (op == OpCode::kPing || op == OpCode::kSetWatches2) return check_same(reply, ErrorCode::kOk, {});
    const auto outcome = model.read(op, reply.asked.body, reply.session);
    check_same(reply, outcome.error, outcome.body);
}

void AnswersChecker::check_write(const Reply& reply) {
    const auto& asked = reply.asked;
    if (asked.zxid == Zxid{}) {
        if (reply.header.error == ErrorCode::kSystemError && asked.may_be_refused) return;
        differ(reply, fmt::format("answered with error {} and never proposed", static_cast<int>(reply.header.error)));
    }
    if (!asked.outcome || asked.zxid != reply.header.zxid) differ(reply, "not the zxid of its transaction");
    check_same(reply, asked.outcome->error, asked.outcome->body);
}

}  // namespace zabd::sim
