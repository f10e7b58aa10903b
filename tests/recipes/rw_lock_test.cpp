#include "recipes/rw_lock.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace zabd::recipes::tests {
namespace {

struct Room {
    int readers = 0;
    int writers = 0;
    int readers_most = 0;
    bool crowded = false;

    void look() {
        crowded = crowded || writers > 1 || (writers > 0 && readers > 0);
        readers_most = std::max(readers_most, readers);
    }
};

asio::awaitable<void> stay(Lock& lock, int& count, Room& room, int turns) {
    for (int i = 0; i < turns; ++i) {
        const auto grant = co_await lock.acquire();
        ++count;
        room.look();
        co_await sleep_for(2ms);
        --count;
    }
}

TEST_CASE("readers share a lock, writers have it alone", "[rw_lock]") {
    const Site site;
    const auto flavor = GENERATE(Flavor::kCurator, Flavor::kKazoo);
    CAPTURE(static_cast<int>(flavor));
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReadWriteLock lock(client, "/lock", {.flavor = flavor});
        Room room;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 6; ++i) tasks.start(stay(lock.read(), room.readers, room, 10));
        for (int i = 0; i < 3; ++i) tasks.start(stay(lock.write(), room.writers, room, 5));
        co_await tasks.join();
        CHECK_FALSE(room.crowded);
        CHECK(room.readers_most > 1);
    });
}

TEST_CASE("a reader that comes behind a waiting writer waits for it", "[rw_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReadWriteLock lock(client, "/lock");
        std::vector<std::string> order;
        const auto visit = [&](Lock& side, const char* name) -> asio::awaitable<void> {
            const auto grant = co_await side.acquire();
            order.push_back(name);
            co_await sleep_for(20ms);
        };
        auto first = co_await lock.read().acquire();
        auto second = co_await lock.read().acquire();
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(visit(lock.write(), "writer"));
        while ((co_await lock.read().contenders()).size() < 3) co_await sleep_for(2ms);
        tasks.start(visit(lock.read(), "reader"));
        tasks.start(visit(lock.read(), "reader"));
        while ((co_await lock.read().contenders()).size() < 5) co_await sleep_for(2ms);
        co_await first.release();
        co_await sleep_for(50ms);
        CHECK(order.empty());
        co_await second.release();
        co_await tasks.join();
        CHECK(order == std::vector<std::string>{"writer", "reader", "reader"});
    });
}

TEST_CASE("a writer that gives up lets the readers behind it in", "[rw_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReadWriteLock lock(client, "/lock");
        const auto reader = co_await lock.read().acquire();
        co_await expect(got(lock.write().acquire_within(100ms)), false);
        co_await expect(got(lock.read().acquire_within(10s)), true);
        co_await expect(got(lock.write().try_acquire()), false);
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
