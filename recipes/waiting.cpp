#include "recipes/waiting.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Errc;
using client::Event;
using client::EventType;
using client::Millis;
using client::State;

Deadline deadline_in(Millis time) {
    const auto now = Deadline::clock::now();
    return time < std::chrono::floor<Millis>(kNever - now) ? now + time : kNever;
}

Millis time_left(Deadline deadline) {
    if (deadline == kNever) return Millis{0};
    const auto left = std::chrono::ceil<Millis>(deadline - Deadline::clock::now());
    return std::max(left, Millis{1});
}

bool ran_out(const boost::system::error_code& error, Deadline deadline) {
    if (deadline == kNever) return false;
    // What has not been sent is told the same when the session ends. The client's clock may be a little ahead of ours.
    constexpr Millis kSlack{10};
    return error == Errc::kOperationTimeout || (error == Errc::kNotSent && Deadline::clock::now() + kSlack >= deadline);
}

void fail(const std::error_code& error) { throw boost::system::system_error(boost::system::error_code(error)); }

void throw_if(const boost::system::error_code& error) {
    if (error) throw boost::system::system_error(error);
}

asio::awaitable<bool> session_renewed(client::Client& client, boost::system::error_code error, Deadline deadline) {
    // What waited for a connection is told kNotSent when there comes none for the old session.
    if (error != Errc::kSessionExpired && error != Errc::kNotSent) co_return false;
    const auto [failed] = co_await client.connected(time_left(deadline), as_value);
    if (!ran_out(failed, deadline)) throw_if(failed);
    co_return true;
}

asio::awaitable<std::optional<Event>> next_until(client::Watch& watch, Deadline deadline) {
    if (auto event = watch.poll()) co_return event;
    if (deadline == kNever) co_return co_await watch.next();
    asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
    auto first = asio::experimental::make_parallel_group(watch.next(asio::deferred), timer.async_wait(asio::deferred));
    auto [order, error, event, timer_error] =
        co_await first.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (!error) co_return std::move(event);  // also when both came: a watch gives each event once
    if (!timer_error) co_return std::nullopt;
    throw boost::system::system_error(error);
}

bool makes_stale(const Event& event) {
    if (event.type != EventType::kState) return true;
    return event.state != State::kConnecting && event.state != State::kSuspended;
}

asio::awaitable<bool> stale_until(client::Watch& watch, Deadline deadline) {
    for (;;) {
        const auto event = co_await next_until(watch, deadline);
        if (!event) co_return false;
        if (makes_stale(*event)) co_return true;
    }
}

}  // namespace zabd::recipes
