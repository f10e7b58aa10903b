#include "recipes/reentrant_lock.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <optional>

namespace zabd::recipes::tests {
namespace {

TEST_CASE("an owner acquires again what it holds, and the last release lets go", "[reentrant_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReentrantLock lock(client, "/lock");
        Lock others(client, "/lock");
        const ReentrantLock::Owner me;
        auto outer = co_await lock.acquire(me);
        auto inner = co_await lock.acquire(me);
        CHECK(outer.grant().token() == inner.grant().token());
        co_await outer.release();
        co_await outer.release();
        CHECK(inner.grant().held());
        co_await expect(got(others.try_acquire()), false);
        co_await inner.release();
        co_await expect(got(others.acquire_within(10s)), true);
    });
}

TEST_CASE("another owner waits, though it uses the same object", "[reentrant_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReentrantLock lock(client, "/lock");
        const ReentrantLock::Owner me;
        const ReentrantLock::Owner you;
        auto mine = co_await lock.acquire(me);
        co_await expect(got(lock.acquire_within(you, 100ms)), false);
        mine = {};
        co_await expect(got(lock.acquire_within(you, 10s)), true);
    });
}

TEST_CASE("an owner that waits already may not ask again", "[reentrant_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReentrantLock lock(client, "/lock");
        const ReentrantLock::Owner me;
        auto held = co_await lock.acquire(ReentrantLock::Owner());
        const auto wait = [&]() -> asio::awaitable<void> { const auto mine = co_await lock.acquire(me); };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(wait());
        co_await sleep_for(20ms);
        co_await expect(failure_of(lock.acquire(me)), ContestErrc::kOwnerBusy);
        co_await held.release();
        co_await tasks.join();
    });
}

TEST_CASE("an owner whose grant is lost begins anew", "[reentrant_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        ReentrantLock lock(client, "/lock");
        const ReentrantLock::Owner me;
        const auto before = co_await lock.acquire(me);
        co_await site.expire(client);
        co_await client.connected();
        const auto after = co_await lock.acquire(me);
        CHECK(before.grant().state() == GrantState::kLost);
        CHECK(after.grant().token() > before.grant().token());
        CHECK(after.grant().perhaps_held());
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
