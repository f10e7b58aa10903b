// What the tests of recipes share: a live server, a chroot of one's own, and coroutines run to their end.
//
//     TEST_CASE("a lock is free at first", "[lock]") {
//         const Site site;
//         run([&]() -> asio::awaitable<void> {
//             auto client = co_await site.connect();
//             ...
//         });
//     }
//
// Server    the connection string in the environment variable ZABD_CONNECT, without a chroot.
// Limit     run() fails the test when the body, or what it left running in the background, has not ended in time.
// Checks    REQUIRE and CHECK work within coroutines as anywhere, but must not await: see expect.hpp.
#pragma once

#include "client/client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace zabd::recipes::tests {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using client::Client;
using Clock = std::chrono::steady_clock;
using client::Millis;

inline constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
inline constexpr Millis kTimeMax{30'000};  // of one run()

/// What ZABD_CONNECT says; fails the test without it.
std::string servers();

/// A fresh node on the server, and clients that have it as their root.
class Site {
public:
    Site();

    /// "host:port,host:port/chroot", for programs and clients of one's own making.
    [[nodiscard]] std::string connection_string() const;
    /// The same at another address than the servers' own.
    [[nodiscard]] std::string connection_string_at(const std::string& address) const { return address + chroot_; }
    /// A client with a session, made on the awaiting coroutine's executor.
    [[nodiscard]] asio::awaitable<Client> connect(client::Options options = {}) const;
    /// Ends the session of `client` as if the server had expired it: another client takes it over and closes it.
    /// Returns when `client` has heard of it.
    [[nodiscard]] asio::awaitable<void> expire(Client& client) const;

private:
    std::string chroot_;
};

/// Coroutines that run beside the test's body.
///
///     Tasks tasks(co_await asio::this_coro::executor);
///     tasks.start(contend(client));
///     co_await tasks.join();            // rethrows what the first failed one threw
class Tasks {
public:
    explicit Tasks(asio::any_io_executor executor) : changed_(executor) {}

    /// Takes an awaitable or a function that gives one; what a lambda captures is kept while its coroutine runs.
    template <class Body>
    void start(Body body) {
        ++running_;
        asio::co_spawn(changed_.get_executor(), std::move(body), [this](std::exception_ptr failure) {
            if (failure && !failure_) failure_ = failure;
            --running_;
            changed_.cancel();
        });
    }
    asio::awaitable<void> join();
    [[nodiscard]] std::size_t running() const { return running_; }

private:
    asio::steady_timer changed_;
    std::size_t running_ = 0;
    std::exception_ptr failure_;
};

asio::awaitable<void> sleep_for(Millis time);

/// Whether there is a value; it does not live on.
template <class Result>
asio::awaitable<bool> got(asio::awaitable<std::optional<Result>> work) {
    const auto result = co_await std::move(work);
    co_return result.has_value();
}

/// The code of the system_error that `work` throws; no error if it throws nothing.
template <class Result>
asio::awaitable<boost::system::error_code> failure_of(asio::awaitable<Result> work) {
    try {
        co_await std::move(work);
    } catch (const boost::system::system_error& failure) {
        co_return failure.code();
    }
    co_return boost::system::error_code();
}

/// Asks the predicate again and again until it holds; fails the test after ten seconds.
template <class Predicate>
asio::awaitable<void> eventually(Predicate predicate) {
    const auto deadline = Clock::now() + 10s;
    while (!predicate()) {
        if (Clock::now() > deadline) FAIL("did not come true in ten seconds");
        co_await sleep_for(2ms);
    }
}

/// Runs the io_context until it has nothing left to do; false after `limit`.
bool run_out(asio::io_context& context, Millis limit);

/// Runs a coroutine (an awaitable or a function that gives one) on an io_context of its own, and what it started.
template <class Body>
void run(Body body, Millis limit = kTimeMax) {
    asio::io_context context(1);
    bool ended = false;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(body), [&](std::exception_ptr thrown) {
        ended = true;
        failure = thrown;
    });
    const bool ran_out = run_out(context, limit);
    if (failure) std::rethrow_exception(failure);
    if (!ended) FAIL("the test did not end within " << limit.count() << " ms");
    if (!ran_out) FAIL("something still ran in the background " << limit.count() << " ms after the start");
}

}  // namespace zabd::recipes::tests
