// Every reply is the one that the model gives at the reply's zxid: results, stats and errors of writes in the order of
// their zxids, reads of the state at exactly their zxid (so each server is linearizable).
#pragma once

#include "tests/sim/checkers/checker.hpp"

namespace zabd::sim {

class AnswersChecker final : public Checker {
public:
    void on_reply(const Reply& reply, const Model& model) override;

private:
    static void check_write(const Reply& reply);
};

}  // namespace zabd::sim
