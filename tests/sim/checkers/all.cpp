#include "tests/sim/checkers/all.hpp"

#include "tests/sim/checkers/answers.hpp"
#include "tests/sim/checkers/bounds.hpp"
#include "tests/sim/checkers/claims.hpp"
#include "tests/sim/checkers/determinism.hpp"
#include "tests/sim/checkers/durability.hpp"
#include "tests/sim/checkers/epochs.hpp"
#include "tests/sim/checkers/fence.hpp"
#include "tests/sim/checkers/leaders.hpp"
#include "tests/sim/checkers/linear.hpp"
#include "tests/sim/checkers/monotone.hpp"
#include "tests/sim/checkers/order.hpp"
#include "tests/sim/checkers/sessions.hpp"
#include "tests/sim/checkers/synced.hpp"
#include "tests/sim/checkers/watches.hpp"

namespace zabd::sim {

Checkers checkers_of_world(const EventQueue& queue, Duration tick) {
    Checkers checkers;
    checkers.push_back(std::make_unique<OrderChecker>());
    checkers.push_back(std::make_unique<MonotoneChecker>());
    checkers.push_back(std::make_unique<LinearChecker>());
    checkers.push_back(std::make_unique<SessionsChecker>(queue, tick));
    checkers.push_back(std::make_unique<ClientWatchesChecker>());
    checkers.push_back(std::make_unique<LeadersChecker>());
    checkers.push_back(std::make_unique<EpochsChecker>());
    checkers.push_back(std::make_unique<ClaimsChecker>());
    checkers.push_back(std::make_unique<SyncedChecker>());
    return checkers;
}

Checkers checkers_of_server(const core::Options& options, Random& random) {
    Checkers checkers;
    checkers.push_back(std::make_unique<WatchesChecker>());
    checkers.push_back(std::make_unique<AnswersChecker>());
    checkers.push_back(std::make_unique<BoundsChecker>(options));
    checkers.push_back(std::make_unique<FenceChecker>());
    checkers.push_back(std::make_unique<DurabilityChecker>());
    checkers.push_back(std::make_unique<DeterminismChecker>(random));
    return checkers;
}

}  // namespace zabd::sim
