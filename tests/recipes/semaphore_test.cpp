#include "recipes/semaphore.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace zabd::recipes::tests {
namespace {

struct Room {
    int inside = 0;
    int most = 0;
    int turns = 0;
};

asio::awaitable<void> take_turns(Semaphore& semaphore, Room& room, int turns) {
    for (int i = 0; i < turns; ++i) {
        auto lease = co_await semaphore.acquire();
        room.most = std::max(room.most, ++room.inside);
        co_await sleep_for(3ms);
        --room.inside;
        ++room.turns;
        co_await lease.release();
    }
}

TEST_CASE("a semaphore gives as many leases as it has, and no more", "[semaphore]") {
    const Site site;
    const auto flavor = GENERATE(Flavor::kCurator, Flavor::kKazoo);
    CAPTURE(static_cast<int>(flavor));
    run([&]() -> asio::awaitable<void> {
        auto first = co_await site.connect();
        auto second = co_await site.connect();
        Semaphore semaphores[] = {{first, "/semaphore", 3, {.flavor = flavor}},
                                  {second, "/semaphore", 3, {.flavor = flavor}}};
        Room room;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 10; ++i) tasks.start(take_turns(semaphores[i % 2], room, 6));
        co_await tasks.join();
        CHECK(room.most <= 3);
        CHECK(room.turns == 60);
    });
}

TEST_CASE("a semaphore keeps its limit while connections break", "[semaphore]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto first = co_await site.connect();
        auto second = co_await site.connect();
        Semaphore semaphores[] = {{first, "/semaphore", 2}, {second, "/semaphore", 2}};
        Room room;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 6; ++i) tasks.start(take_turns(semaphores[i % 2], room, 5));
        for (int i = 0; tasks.running() > 0; ++i) {
            (i % 2 == 0 ? first : second).drop_connection();
            co_await sleep_for(11ms);
        }
        co_await tasks.join();
        CHECK(room.most <= 2);
        CHECK(room.turns == 30);
    });
}

TEST_CASE("a semaphore's leases are held together, and later ones have higher tokens", "[semaphore]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Semaphore semaphore(client, "/semaphore", 3);
        const auto first = co_await semaphore.acquire();
        const auto second = co_await semaphore.acquire();
        const auto third = co_await semaphore.acquire();
        CHECK(first.held());
        CHECK(second.token() > first.token());
        CHECK(third.token() > second.token());
    });
}

TEST_CASE("who does not get a lease in time leaves the semaphore as it was", "[semaphore]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Semaphore semaphore(client, "/semaphore", 1, {.identifier = "me"});
        const auto nobody = co_await semaphore.holders();
        CHECK(nobody.empty());
        auto lease = co_await semaphore.acquire();
        co_await expect(got(semaphore.acquire_within(100ms)), false);
        co_await expect(got(semaphore.acquire_within(100ms)), false);
        while ((co_await semaphore.holders()).size() > 1) co_await sleep_for(5ms);
        const auto holders = co_await semaphore.holders();
        REQUIRE(holders.size() == 1);
        CHECK(holders[0].identifier == "me");
        co_await lease.release();
        co_await expect(got(semaphore.acquire_within(10s)), true);
    });
}

TEST_CASE("a lease comes back when its holder's session ends", "[semaphore]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto holder = co_await site.connect();
        auto client = co_await site.connect();
        Semaphore theirs(holder, "/semaphore", 1);
        Semaphore ours(client, "/semaphore", 1);
        const auto lease = co_await theirs.acquire();
        bool granted = false;
        const auto wait = [&]() -> asio::awaitable<void> {
            const auto next = co_await ours.acquire();
            granted = true;
        };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(wait());
        co_await sleep_for(50ms);
        CHECK_FALSE(granted);
        co_await site.expire(holder);
        co_await tasks.join();
        CHECK(lease.state() == GrantState::kLost);
    });
}

TEST_CASE("kazoo's layout tells when two disagree about the number of leases", "[semaphore]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Semaphore two(client, "/semaphore", 2, {.flavor = Flavor::kKazoo});
        Semaphore three(client, "/semaphore", 3, {.flavor = Flavor::kKazoo});
        const auto lease = co_await two.acquire();
        co_await expect(failure_of(three.acquire()), ContestErrc::kLimitDiffers);
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
