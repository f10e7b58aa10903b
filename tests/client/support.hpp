// What the tests of the client share: a live server, a chroot of one's own, and coroutines run to their end.
//
//     TEST_CASE("a node is there once created", "[client]") {
//         const Site site;
//         run([&]() -> asio::awaitable<void> {
//             auto client = co_await site.connect();
//             ...
//         });
//     }
//
// Server    the address ("127.0.0.1:2181") in the environment variable ZABD_CONNECT.
// Checks    REQUIRE and CHECK work within coroutines; but see expect() for what is awaited.
// Limit     run() fails the test when the body, or what it left running in the background, has not ended in time.
#pragma once

#include "client/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::client::tests {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
inline constexpr Millis kTimeMax{20'000};  // of one run()

/// What ZABD_CONNECT says; fails the test without it.
std::string server_address();

/// A fresh node on the server, and clients that have it as their root.
class Site {
public:
    Site();
    [[nodiscard]] std::string connection_string() const { return server_address() + chroot_; }
    /// The same through a relay.
    [[nodiscard]] std::string connection_string_at(const std::string& address) const { return address + chroot_; }
    [[nodiscard]] const std::string& chroot() const { return chroot_; }
    [[nodiscard]] asio::awaitable<Client> connect(Options options = {}) const {
        return Client::connect(connection_string(), std::move(options));
    }

private:
    std::string chroot_;
};

asio::awaitable<void> sleep_for(Millis time);

/// Until the predicate holds; fails the test after ten seconds.
asio::awaitable<void> eventually(std::function<bool()> predicate);

/// Breaks the client's connection, and returns when it knows.
asio::awaitable<void> lose_connection(Client& client);

/// The next event that is of a node, not of the connection.
asio::awaitable<Event> next_of_node(Watch& watch);

/// The error that awaiting `operation` ends with.
template <class Result>
asio::awaitable<std::error_code> error_of(asio::awaitable<Result> operation) {
    try {
        co_await std::move(operation);
    } catch (const boost::system::system_error& failure) {
        co_return failure.code();
    }
    co_return std::error_code();
}

// Catch's macros evaluate a co_await in them twice (with g++ 12), so these check what is awaited.

template <class Result>
asio::awaitable<void> expect(Errc expected, asio::awaitable<Result> operation,
                             std::source_location at = std::source_location::current()) {
    const auto error = co_await error_of(std::move(operation));
    INFO(at.file_name() << ":" << at.line());
    CHECK(error == expected);
}
asio::awaitable<void> expect_node(Client& client, std::string path, bool there = true,
                                  std::source_location at = std::source_location::current());
asio::awaitable<void> expect_data(Client& client, std::string path, std::string data,
                                  std::source_location at = std::source_location::current());

/// Runs a function that gives an awaitable on an io_context of its own, and what it started, to the end.
template <class Body>
void run(Body body, Millis limit = kTimeMax) {
    asio::io_context context(1);
    bool ended = false;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(body), [&](std::exception_ptr thrown) {
        ended = true;
        failure = thrown;
    });
    context.run_for(limit);
    if (failure) std::rethrow_exception(failure);
    if (!ended) FAIL("the test did not end within " << limit.count() << " ms");
    if (!context.stopped()) FAIL("something still ran in the background " << limit.count() << " ms after the start");
}

}  // namespace zabd::client::tests
