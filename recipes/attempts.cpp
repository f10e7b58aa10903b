#include "recipes/attempts.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::error_code;
using client::Errc;
using client::Millis;

asio::awaitable<error_code> outcome_of(asio::awaitable<void> work) {
    try {
        co_await std::move(work);
    } catch (const boost::system::system_error& failure) {
        co_return failure.code();
    }
    co_return error_code{};
}

asio::awaitable<void> persist(std::function<asio::awaitable<error_code>()> attempt) {
    Backoff backoff;
    for (;;) {
        const auto error = co_await attempt();
        if (!may_pass(error)) co_return;
        co_await pause_for(backoff.next());
    }
}

bool may_pass(const error_code& error) {
    constexpr std::array kPassing{Errc::kConnectionLoss, Errc::kOperationTimeout, Errc::kSessionExpired,
                                  Errc::kNotSent,        Errc::kSessionMoved,     Errc::kNotReadOnly,
                                  Errc::kThrottled,      Errc::kTooManyRequests};
    return std::ranges::any_of(kPassing, [&](Errc passing) { return error == passing; });
}

asio::awaitable<void> pause_for(Millis time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

Millis Backoff::next() {
    std::uniform_int_distribution<Millis::rep> pause(1, limit_.count());
    limit_ = std::min(2 * limit_, kMax);
    return Millis{pause(random_)};
}

}  // namespace zabd::recipes
