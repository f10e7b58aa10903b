#include "recipes/multi_lock.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <string>
#include <vector>

namespace zabd::recipes::tests {
namespace {

TEST_CASE("a multi-lock holds all of its locks", "[multi_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        MultiLock both(client, {"/b", "/a", "/b"});
        Lock a(client, "/a");
        Lock b(client, "/b");
        auto grant = co_await both.acquire();
        REQUIRE(grant.grants().size() == 2);
        CHECK(grant.grants()[0].path().starts_with("/a/"));
        CHECK(grant.held());
        co_await expect(got(a.try_acquire()), false);
        co_await expect(got(b.try_acquire()), false);
        co_await grant.release();
        CHECK(grant.state() == GrantState::kLost);
        co_await expect(got(a.acquire_within(10s)), true);
        co_await expect(got(b.acquire_within(10s)), true);
    });
}

TEST_CASE("a multi-lock that cannot have one of its locks has none", "[multi_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock b(client, "/b");
        const auto held = co_await b.acquire();
        MultiLock both(client, {"/a", "/b"});
        co_await expect(got(both.acquire_within(100ms)), false);
        Lock a(client, "/a");
        co_await expect(got(a.acquire_within(10s)), true);
    });
}

TEST_CASE("multi-locks that overlap do not wait for each other for ever", "[multi_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        MultiLock forth(client, {"/a", "/b", "/c"});
        MultiLock back(client, {"/c", "/b"});
        int inside = 0;
        bool crowded = false;
        const auto take_turns = [&](MultiLock& lock) -> asio::awaitable<void> {
            for (int i = 0; i < 10; ++i) {
                auto grant = co_await lock.acquire();
                crowded = crowded || ++inside > 1;
                co_await sleep_for(1ms);
                --inside;
                co_await grant.release();
            }
        };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(take_turns(forth));
        tasks.start(take_turns(back));
        co_await tasks.join();
        CHECK_FALSE(crowded);
    });
}

TEST_CASE("a multi-lock is as well held as the worst of its locks", "[multi_lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto administrator = co_await site.connect();
        MultiLock all(client, {"/a", "/b", "/c"});
        const auto grant = co_await all.acquire();
        CHECK(grant.state() == GrantState::kHeld);
        co_await administrator.remove(grant.grants()[1].path());
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kLost);
        CHECK(grant.grants()[0].held());
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
