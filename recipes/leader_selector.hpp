// Leadership in fair turns: whoever's turn it is leads for as long as its callback runs, and then queues up again.
//
//     LeaderSelector selector(client, "/jobs/leader", {.on_started = lead, .on_stopped = stopped});
//     co_await selector.run();                        // until cancelled
//
// Layout    that of lock.hpp: Curator's LeaderSelector. With Flavor::kKazoo kazoo's Election.
// Turns     on_started is called when the turn begins and may co_await as long as it likes. When the grant is no longer
//           held (by default as soon as it is uncertain) it is cancelled, as Asio cancels coroutines, and waited for; a
//           callback that ignores that leads on without a grant, which only the fencing token can stop. Then on_stopped
//           is called, then the node deleted, then a new turn sought: callbacks never overlap.
// Failing   what a callback throws ends run(), after on_stopped if it was on_started. An expired session or a lost
//           connection does not: run() goes on with the client's next session.
// Ending    by cancelling run(): the callback is cancelled and waited for in the same way, and on_stopped called.
#pragma once

#include "recipes/lock.hpp"

#include <functional>

namespace zabd::recipes {

struct LeaderCallbacks {
    std::function<boost::asio::awaitable<void>(const Grant&)> on_started;
    /// After each turn. May be empty.
    std::function<void()> on_stopped;
    /// False: a turn goes on while the grant is uncertain, and ends when it is lost.
    bool stop_when_uncertain = true;
};

class LeaderSelector {
public:
    /// `client` outlives the selector, at one address.
    LeaderSelector(client::Client& client, std::string path, LeaderCallbacks callbacks, ContestOptions options = {});

    /// One turn after the other, until cancelled (operation_aborted) or the client is closed (kClosed).
    boost::asio::awaitable<void> run();
    /// One turn; returns when it is over.
    boost::asio::awaitable<void> run_once();

    boost::asio::awaitable<std::vector<Participant>> participants() { return lock_.contenders(); }

private:
    boost::asio::awaitable<void> until_stopped(const Grant& grant) const;

    client::Client* client_;
    Lock lock_;
    LeaderCallbacks callbacks_;
};

}  // namespace zabd::recipes
