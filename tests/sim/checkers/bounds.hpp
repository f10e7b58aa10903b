// I-BOUND: requests that the core has not answered, and the bytes of those that wait, are bounded by its options; a pause
// that it asks for is obeyed.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>

namespace zabd::sim {

class BoundsChecker final : public Checker {
public:
    explicit BoundsChecker(const core::Options& options) : options_(options) {}

    void on_request(ServerId server, ConnectionId connection, SessionId session, const Asked& asked) override;
    void on_reply(const Reply& reply, const Model& model) override;
    void on_closed(ConnectionId connection) override { waiting_bytes_.erase(connection); }
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_down(ServerId server) override;

private:
    const core::Options options_;
    std::map<ConnectionId, std::size_t> waiting_bytes_;  // of reads
    std::size_t bytes_in_batch_ = 0;
    std::size_t frames_in_batch_max_ = 0;
};

}  // namespace zabd::sim
