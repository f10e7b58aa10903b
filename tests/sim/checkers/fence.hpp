// I-FENCE: while a server has no part in an established epoch it answers nobody. But for pings, which keep nothing alive but
// the connection, and for writes that turn out to have been committed.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <set>
#include <string>

namespace zabd::sim {

class FenceChecker final : public Checker {
public:
    void on_greeting(const Greeting& greeting, const Model& model) override;
    void on_reply(const Reply& reply, const Model& model) override;
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_down(ServerId) override { serves_ = false, told_.clear(); }

private:
    bool serves_ = false;        // when the last batch was over
    std::set<SessionId> wrote_;  // have had a write answered in this batch
    std::string told_;           // what, in this one; empty: nothing
};

}  // namespace zabd::sim
