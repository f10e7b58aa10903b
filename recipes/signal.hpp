// A change that coroutines of one thread wait for.
//
// Use       look at what may have changed, and wait if it does not suit; look again. Nothing is remembered: a
//           notification wakes those who wait at that time, and nobody else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace zabd::recipes {

class Signal {
public:
    explicit Signal(const boost::asio::any_io_executor& executor)
        : timer_(executor, std::chrono::steady_clock::time_point::max()) {}

    /// Returns at the next notify(), or when cancelled.
    boost::asio::awaitable<void> wait() {
        co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    void notify() { timer_.cancel(); }

private:
    boost::asio::steady_timer timer_;  // never expires
};

}  // namespace zabd::recipes
