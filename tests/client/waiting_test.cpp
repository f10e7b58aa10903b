// Ways to wait for an operation, and to stop waiting: tokens, deadlines, cancellation.
#include "tests/client/proxy.hpp"
#include "tests/client/support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_future.hpp>

#include <limits>
#include <thread>

using namespace zabd::client;
using namespace zabd::client::tests;
using namespace boost::asio::experimental::awaitable_operators;
using boost::system::error_code;

namespace {

std::size_t unlimited() { return std::numeric_limits<std::size_t>::max(); }

}  // namespace

TEST_CASE("a callback runs once, never from within the call", "[waiting]") {
    const Site site;
    asio::io_context context;
    Client client(context.get_executor(), site.connection_string());
    int called = 0;
    client.get("/", {}, [&](error_code error, const NodeData& node) {
        ++called;
        CHECK(!error);
        CHECK(node.data.empty());
        client.remove("relative", {}, [&](error_code refused) {
            ++called;
            CHECK(refused == Errc::kBadArguments);
            client.close([&](error_code closed) {
                ++called;
                CHECK(!closed);
            });
        });
    });
    CHECK(called == 0);
    context.run_for(kTimeMax);
    CHECK(called == 3);
    CHECK(context.stopped());
}

TEST_CASE("a future is good on another thread", "[waiting]") {
    const Site site;
    asio::io_context context;
    Client client(context.get_executor(), site.connection_string());
    auto created = client.create("/a", "x", {}, asio::use_future);
    auto failed = client.get("/none", {}, asio::use_future);
    auto closed = client.connected({}, asio::use_future);
    std::thread runner([&] { context.run_for(2s); });
    CHECK(created.get().path == "/a");
    CHECK_THROWS_AS(failed.get(), boost::system::system_error);
    closed.get();
    runner.join();
}

TEST_CASE("a deferred operation begins when it is asked to, as often as it is", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto create = client.create("/n-", "", {.mode = CreateMode::kPersistentSequential}, asio::deferred);
        const auto before = co_await client.children("/");
        CHECK(before.names.empty());
        co_await create(asio::use_awaitable);
        co_await create(asio::use_awaitable);
        const auto after = co_await client.children("/");
        CHECK(after.names.size() == 2);
    });
}

TEST_CASE("many operations are under way at once, answered in their order", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create("/a");
        std::vector<int> versions;
        for (int i = 0; i < 2'000; ++i) {
            client.set("/a", std::to_string(i), {},
                       [&](error_code error, const Stat& stat) { versions.push_back(error ? -1 : stat.version); });
        }
        const auto last = co_await client.get("/a");
        CHECK(last.data == "1999");
        CHECK(versions.size() == 2'000);
        CHECK(std::ranges::is_sorted(versions));
    });
}

TEST_CASE("a deadline passes while the server is silent", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Proxy proxy(executor, server_address(), unlimited);
        auto client = co_await Client::connect(site.connection_string_at(proxy.address()));
        proxy.be_silent(true);
        co_await expect(Errc::kOperationTimeout, client.create("/a", "", {.timeout = 50ms}));
        co_await expect(Errc::kOperationTimeout, client.get("/", {.linearizable = true, .timeout = 50ms}));
        proxy.be_silent(false);
        co_await expect_node(client, "/a");  // it was under way
    });
}

TEST_CASE("a deadline passes while there is no server", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        Client client(co_await asio::this_coro::executor, "127.0.0.1:1");
        co_await expect(Errc::kNotSent, client.create("/a", "", {.timeout = 50ms}));
        co_await expect(Errc::kOperationTimeout, client.connected(50ms));
    });
}

TEST_CASE("cancelling ends the wait at once", "[waiting]") {
    const Site site;
    asio::io_context context;
    Proxy proxy(context.get_executor(), server_address(), unlimited);
    proxy.be_silent(true);
    Client client(context.get_executor(), site.connection_string_at(proxy.address()));
    std::vector<error_code> ends;
    asio::cancellation_signal signals[4];
    const auto end = [&](error_code error, auto&&...) { ends.push_back(error); };
    client.create("/a", "", {}, asio::bind_cancellation_slot(signals[0].slot(), end));
    client.add_auth("digest", "a:b", {}, asio::bind_cancellation_slot(signals[1].slot(), end));
    client.connected({}, asio::bind_cancellation_slot(signals[2].slot(), end));
    auto watch = client.make_watch();
    watch.next(asio::bind_cancellation_slot(signals[3].slot(), end));
    context.run_for(50ms);
    CHECK(ends.empty());
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
    CHECK(ends.empty());
    context.run_for(50ms);
    CHECK(ends == std::vector<error_code>(4, asio::error::operation_aborted));
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);  // nobody waits any more
    context.run_for(10ms);
    CHECK(ends.size() == 4);
}

TEST_CASE("an operation loses a race against a timer, and the client goes on", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        for (int i = 0; i < 50; ++i) {
            asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::microseconds(i * 20));
            const auto winner = co_await (client.sync("/") || timer.async_wait(asio::use_awaitable));
            CHECK(winner.index() < 2);
        }
        co_await expect_node(client, "/none", false);
    });
}

TEST_CASE("a cancelled wait for an event takes none", "[waiting]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = co_await client.watch("/", true);
        const auto executor = co_await asio::this_coro::executor;
        std::size_t taken = 0;
        bool gone = false;
        for (int i = 0; i < 100; ++i) {
            client.create("/" + std::to_string(i), "", {}, [&gone, i](error_code, const Created&) { gone = i == 99; });
        }
        while (!gone || taken < 100) {
            asio::steady_timer timer(executor, 0ms);
            const auto winner = co_await (watch.next() || timer.async_wait(asio::use_awaitable));
            taken += winner.index() == 0;
        }
        CHECK(!watch.poll());
    });
}
