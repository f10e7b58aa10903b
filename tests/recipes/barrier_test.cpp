#include "recipes/barrier.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

namespace zabd::recipes::tests {

namespace {

asio::awaitable<void> pass(Client& client, std::size_t& passed) {
    Barrier barrier(client, "/barrier");
    co_await barrier.wait();
    ++passed;
}

}  // namespace

TEST_CASE("a barrier holds everybody back until it is removed", "[barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto keeper = co_await site.connect();
        auto first = co_await site.connect();
        auto second = co_await site.connect();
        Barrier barrier(keeper, "/barrier");
        co_await expect(barrier.set(), true);

        std::size_t passed = 0;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 20; ++i) tasks.start(pass(i % 2 == 0 ? first : second, passed));
        co_await sleep_for(100ms);
        CHECK(passed == 0);
        co_await expect(barrier.remove(), true);
        co_await tasks.join();
        CHECK(passed == 20);
    });
}

TEST_CASE("a barrier says what it found", "[barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Barrier barrier(client, "/not/there/yet");
        co_await expect(barrier.wait_for(10s), true);
        co_await expect(barrier.remove(), false);
        co_await expect(barrier.set(), true);
        co_await expect(barrier.set(), false);
        co_await expect(barrier.wait_for(50ms), false);
        co_await expect(barrier.remove(), true);
        co_await barrier.wait();
    });
}

TEST_CASE("a barrier that goes while the connection is down is not missed", "[barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto keeper = co_await site.connect();
        auto waiter = co_await site.connect();
        Barrier barrier(keeper, "/barrier");
        for (int round = 0; round < 5; ++round) {
            CAPTURE(round);
            co_await barrier.set();
            std::size_t passed = 0;
            Tasks tasks(co_await asio::this_coro::executor);
            tasks.start(pass(waiter, passed));
            co_await sleep_for(20ms);
            waiter.drop_connection();
            CHECK(passed == 0);
            co_await barrier.remove();
            co_await tasks.join();
        }
    });
}

TEST_CASE("a session that ends opens no barrier, and misses none", "[barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto keeper = co_await site.connect();
        auto waiter = co_await site.connect();
        Barrier barrier(keeper, "/barrier");
        co_await barrier.set();
        std::size_t passed = 0;
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(pass(waiter, passed));
        co_await sleep_for(20ms);
        co_await site.expire(waiter);
        co_await waiter.connected();
        co_await sleep_for(50ms);
        CHECK(passed == 0);
        co_await barrier.remove();
        co_await tasks.join();
    });
}

}  // namespace zabd::recipes::tests
