#include "tests/sim/checkers/bounds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

void BoundsChecker::on_request(ServerId, ConnectionId connection, SessionId, const Asked& asked) {
    if (is_write(asked.op)) return;
    waiting_bytes_[connection] += asked.body.size();
    bytes_in_batch_ += asked.body.size();
}

void BoundsChecker::on_reply(const Reply& reply, const Model&) {
    if (!is_write(reply.asked.op)) waiting_bytes_[reply.connection] -= reply.asked.body.size();
}

void BoundsChecker::on_batch_end(const BatchEnd& end, const Model&) {
    // A connection is paused when a batch of its is over, so each may be over the bound by the frames of one.
    frames_in_batch_max_ = std::max(frames_in_batch_max_, end.frames);
    const auto outstanding_max =
        options_.outstanding_max + end.connections * std::max<std::size_t>(frames_in_batch_max_, 1);
    const auto outstanding = end.status.outstanding;
    if (outstanding > outstanding_max)
        violated("I-BOUND", fmt::format("{} requests outstanding, at most {} may be", outstanding, outstanding_max));
    const auto bytes_max = options_.client_queue_bytes_max + std::exchange(bytes_in_batch_, 0);
    for (const auto& [connection, bytes] : waiting_bytes_)
        if (bytes > bytes_max)
            violated("I-BOUND", fmt::format("{} bytes of connection {} wait, at most {} may", bytes, number(connection),
                                            bytes_max));
}

void BoundsChecker::on_down(ServerId) {
    waiting_bytes_.clear();
    bytes_in_batch_ = 0;
}

}  // namespace zabd::sim
