// I-ONE: at most one leader is established in an epoch; epochs of leaders rise. I-DUR: once established it has applied all
// that was acknowledged before.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>

namespace zabd::sim {

class LeadersChecker final : public Checker {
public:
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_leads(ServerId server, Epoch epoch) override;
    void on_down(ServerId server) override { leads_.erase(server); }
    /// So often was a leader established.
    [[nodiscard]] std::size_t established() const { return leaders_.size(); }

private:
    std::map<Epoch, ServerId> leaders_;
    std::map<ServerId, Epoch> leads_;  // now
};

}  // namespace zabd::sim
