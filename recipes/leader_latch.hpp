// Leadership: of all who stand for it, the one that has waited longest leads until it resigns or is lost.
//
//     LeaderLatch latch(client, "/service/leader", {.identifier = "node-7"});
//     auto leadership = co_await latch.lead();
//     while (leadership.held()) { ... }               // or race the work against leadership.changed(GrantState::kHeld)
//     co_await leadership.release();
//
// Layout    <path>/_c_<uuid>-latch-N, data the identifier: Curator's LeaderLatch. With Flavor::kKazoo
//           <path>/<32 hex>__lock__N: kazoo's Election. contest.hpp says what all contests guarantee.
// Leader    is who has the Grant, as far as Grant::state() says so: there is no other flag that could be out of date.
//           Two never have it in state `held` at one time, unless one's clock stands still or its process does; that is
//           what the token is for.
// Lost      leadership does not come back by itself: stand again with lead().
#pragma once

#include "recipes/lock.hpp"

namespace zabd::recipes {

class LeaderLatch {
public:
    /// `client` outlives the latch and its grants, at one address.
    LeaderLatch(client::Client& client, std::string path, ContestOptions options = {})
        : lock_(client, std::move(path), std::move(options), Purpose::kLatch) {}

    /// Stands for leadership, and waits for it. Cancelling withdraws.
    boost::asio::awaitable<Grant> lead() { return lock_.acquire(); }
    /// nullopt, and withdrawn, when the limit has passed.
    boost::asio::awaitable<std::optional<Grant>> lead_within(client::Millis limit) {
        return lock_.acquire_within(limit);
    }

    /// All who stand, the leader first.
    boost::asio::awaitable<std::vector<Participant>> participants() { return lock_.contenders(); }

private:
    Lock lock_;
};

}  // namespace zabd::recipes
