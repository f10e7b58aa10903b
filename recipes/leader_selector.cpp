#include "recipes/leader_selector.hpp"

#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;
using client::Errc;

namespace {

/// Whether a next session, or the next connection, may do better.
bool passing(const error_code& error) {
    return error == Errc::kConnectionLoss || error == Errc::kSessionExpired || error == Errc::kOperationTimeout ||
           error == Errc::kNotSent || error == ContestErrc::kContenderGone;
}

bool was_cancelled(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

LeaderSelector::LeaderSelector(client::Client& client, std::string path, LeaderCallbacks callbacks,
                               ContestOptions options)
    : client_(&client), lock_(client, std::move(path), std::move(options)), callbacks_(std::move(callbacks)) {}

asio::awaitable<void> LeaderSelector::run() {
    for (;;) {
        try {
            co_await run_once();
            continue;
        } catch (const system_error& failure) {
            if (!passing(failure.code())) throw;
        }
        const auto [error] = co_await client_->connected({}, as_value);
        if (error && error != Errc::kOperationTimeout) fail(error);
    }
}

asio::awaitable<void> LeaderSelector::run_once() {
    auto grant = co_await lock_.acquire();
    const auto executor = co_await asio::this_coro::executor;
    auto turn =
        asio::experimental::make_parallel_group(asio::co_spawn(executor, callbacks_.on_started(grant), asio::deferred),
                                                asio::co_spawn(executor, until_stopped(grant), asio::deferred));
    const auto [order, failure, unwatched] =
        co_await std::move(turn).async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (callbacks_.on_stopped) callbacks_.on_stopped();
    const bool stopped = order[0] == 1;
    if (failure && !(stopped && was_cancelled(failure))) std::rethrow_exception(failure);
    co_await grant.release();
}

asio::awaitable<void> LeaderSelector::until_stopped(const Grant& grant) const {
    auto state = grant.state();
    while (state == GrantState::kHeld || (state == GrantState::kUncertain && !callbacks_.stop_when_uncertain)) {
        state = co_await grant.changed(state);
    }
}

}  // namespace zabd::recipes
