// The process's event loop. Nobody runs it in the background: whoever waits for something runs it until that has come.
//
// Signals   the first SIGINT or SIGTERM cancels the operation that runs; a second one ends the process. While none
//           runs, interrupted() tells.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <functional>
#include <utility>

namespace zabd::zabctl {

class EventLoop {
public:
    EventLoop();

    [[nodiscard]] boost::asio::io_context& io() { return io_; }
    /// Runs the operation to its end, and rethrows what it threw.
    void complete(boost::asio::awaitable<void> operation);
    /// The same, cancelled after `limit`.
    void complete_within(std::chrono::milliseconds limit, boost::asio::awaitable<void> operation);
    /// Runs what is ready and waits for more, until `done()`.
    template <class Done>
    void run_until(Done done) {
        while (!done()) io_.run_one();
    }
    /// The signal that came and that no operation took; 0: none.
    [[nodiscard]] int interrupted() const { return interrupted_; }
    /// The same, and forgets it.
    [[nodiscard]] int take_interrupt() { return std::exchange(interrupted_, 0); }

private:
    void await_signal();

    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_;
    boost::asio::cancellation_signal cancel_;
    bool running_ = false;    // an operation, which signals cancel
    bool cancelled_ = false;  // by a signal
    int interrupted_ = 0;
};

}  // namespace zabd::zabctl
