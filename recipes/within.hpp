// A time limit for a coroutine.
//
// Ending    when the time is over, the coroutine is cancelled, and unwound before within() returns: what it owns cleans
//           up as after any failure. If it ended in the same moment, what it gave counts, and nothing is lost.
#pragma once

#include "client/types.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace zabd::recipes {

/// What `work` gives, or nullopt if the limit passes first. Throws what `work` throws.
template <class T>
boost::asio::awaitable<std::optional<T>> within(client::Millis limit, boost::asio::awaitable<T> work) {
    namespace asio = boost::asio;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, limit);
    auto race = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                        timer.async_wait(asio::deferred));
    auto [order, failure, result, stopped] =
        co_await std::move(race).async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (!failure) co_return std::move(result);
    if (order[0] == 1 && !stopped) co_return std::nullopt;
    std::rethrow_exception(failure);
}

}  // namespace zabd::recipes
