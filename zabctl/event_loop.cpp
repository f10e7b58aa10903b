#include "zabctl/event_loop.hpp"

#include "zabctl/exit_code.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include <csignal>
#include <exception>

namespace zabd::zabctl {

namespace asio = boost::asio;

EventLoop::EventLoop() : signals_(io_, SIGINT, SIGTERM) { await_signal(); }

void EventLoop::complete(asio::awaitable<void> operation) {
    bool ended = false;
    std::exception_ptr thrown;
    running_ = true;
    cancelled_ = false;
    asio::co_spawn(io_, std::move(operation),
                   asio::bind_cancellation_slot(cancel_.slot(), [&](std::exception_ptr exception) {
                       ended = true;
                       thrown = std::move(exception);
                   }));
    run_until([&] { return ended; });
    running_ = false;
    if (thrown) std::rethrow_exception(thrown);
}

void EventLoop::complete_within(std::chrono::milliseconds limit, asio::awaitable<void> operation) {
    asio::steady_timer timer(io_, limit);
    timer.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) cancel_.emit(asio::cancellation_type::terminal);
    });
    complete(std::move(operation));
}

void EventLoop::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        if (running_ && cancelled_) ::_exit(kInterrupted);
        if (running_) {
            cancelled_ = true;
            cancel_.emit(asio::cancellation_type::terminal);
        } else {
            interrupted_ = signal;
        }
        await_signal();
    });
}

}  // namespace zabd::zabctl
