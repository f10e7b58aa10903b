#include "recipes/double_barrier.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <memory>
#include <random>
#include <vector>

namespace zabd::recipes::tests {

using client::CreateMode;
using client::Errc;

namespace {

constexpr std::size_t kMembers = 6;

/// What all members see: how many have begun to enter and to leave each round.
struct Rounds {
    explicit Rounds(std::size_t count) : entering(count), leaving(count) {}
    std::vector<std::size_t> entering;
    std::vector<std::size_t> leaving;
};

asio::awaitable<void> go_round(Client& client, Rounds& rounds, bool drops) {
    std::minstd_rand random(std::random_device{}());
    DoubleBarrier barrier(client, "/barrier", kMembers);
    for (std::size_t round = 0; round < rounds.entering.size(); ++round) {
        ++rounds.entering[round];
        co_await barrier.enter();
        CHECK(rounds.entering[round] == kMembers);
        if (drops && random() % 2 == 0) client.drop_connection();
        co_await sleep_for(Millis(random() % 10));
        ++rounds.leaving[round];
        co_await barrier.leave();
        CHECK(rounds.leaving[round] == kMembers);
    }
}

asio::awaitable<void> until_members(Client& client, std::size_t count) {
    for (std::size_t seen = count + 1; seen != count;) {
        const auto [error, children] = co_await client.children("/barrier", {}, as_value);
        seen = children.names.size();
        co_await sleep_for(2ms);
    }
}

/// Which error it ends with.
asio::awaitable<void> expect_failure(DoubleBarrier& barrier, Errc expected) {
    boost::system::error_code error;
    try {
        co_await barrier.enter();
    } catch (const boost::system::system_error& failure) {
        error = failure.code();
    }
    CHECK(error == expected);
}

}  // namespace

TEST_CASE("members enter together and leave together, round after round", "[double_barrier]") {
    const bool drops = GENERATE(false, true);
    CAPTURE(drops);
    const Site site;
    run([&]() -> asio::awaitable<void> {
        std::vector<std::unique_ptr<Client>> clients;
        for (std::size_t i = 0; i < kMembers; ++i) {
            auto client = co_await site.connect();
            clients.push_back(std::make_unique<Client>(std::move(client)));
        }
        Rounds rounds(drops ? 5 : 20);
        Tasks tasks(co_await asio::this_coro::executor);
        for (auto& client : clients) tasks.start(go_round(*client, rounds, drops));
        co_await tasks.join();
        const auto left = co_await clients.front()->children("/barrier");
        CHECK(left.names.empty());
    });
}

TEST_CASE("who gives up entering is not counted", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        DoubleBarrier one(client, "/barrier", 2);
        DoubleBarrier two(client, "/barrier", 2);
        co_await expect(one.enter_for(50ms), false);
        CHECK_FALSE(one.inside());
        co_await expect(two.enter_for(50ms), false);
        const auto left = co_await client.children("/barrier");
        CHECK(left.names.empty());

        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(one.enter());
        co_await expect(two.enter_for(5s), true);
        co_await tasks.join();
        co_await expect(two.leave_for(50ms), false);
        co_await one.leave();
    });
}

TEST_CASE("giving up in the moment of opening is either out or in", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        for (int round = 0; round < 20; ++round) {
            CAPTURE(round);
            DoubleBarrier hasty(client, "/barrier", 2);
            DoubleBarrier patient(other, "/barrier", 2);
            bool entered = false;
            bool ended = false;
            Tasks tasks(co_await asio::this_coro::executor);
            tasks.start([&]() -> asio::awaitable<void> {
                entered = co_await hasty.enter_for(Millis(1 + round % 5));
                ended = true;
            });
            const bool opened = co_await patient.enter_for(30ms);
            co_await eventually([&] { return ended; });
            co_await tasks.join();
            CHECK(opened == entered);
            if (entered) {
                tasks.start(hasty.leave());
                co_await patient.leave();
                co_await tasks.join();
            }
        }
    });
}

TEST_CASE("a member whose session ends is out, and the others wait for another", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto doomed = co_await site.connect();
        auto client = co_await site.connect();
        DoubleBarrier lost(doomed, "/barrier", 2);
        DoubleBarrier one(client, "/barrier", 2);
        DoubleBarrier two(client, "/barrier", 2);
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(expect_failure(lost, Errc::kSessionExpired));
        co_await until_members(client, 1);
        co_await site.expire(doomed);
        co_await tasks.join();

        co_await expect(one.enter_for(50ms), false);
        tasks.start(one.enter());
        co_await two.enter();
        co_await tasks.join();
    });
}

TEST_CASE("a member that dies inside keeps nobody from leaving", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto doomed = co_await site.connect();
        auto client = co_await site.connect();
        DoubleBarrier lost(doomed, "/barrier", 3);
        DoubleBarrier one(client, "/barrier", 3);
        DoubleBarrier two(client, "/barrier", 3);
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(lost.enter());
        tasks.start(one.enter());
        co_await two.enter();
        co_await tasks.join();
        tasks.start(one.leave());
        tasks.start(two.leave());
        co_await sleep_for(50ms);
        CHECK(tasks.running() == 2);
        co_await site.expire(doomed);
        co_await tasks.join();
        const auto left = co_await client.children("/barrier");
        CHECK(left.names.empty());
    });
}

TEST_CASE("a ready node that a dead round has left lets nobody in", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.ensure_path("/barrier/ready");
        DoubleBarrier barrier(client, "/barrier", 2);
        co_await expect(barrier.enter_for(50ms), false);
    });
}

TEST_CASE("a double barrier meets members of other libraries by their nodes", "[double_barrier]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.ensure_path("/barrier");
        co_await client.create("/barrier/3c9d1a52-0e0f-4b43-9a87-7d0d9d1f4a10", "", {.mode = CreateMode::kEphemeral});
        DoubleBarrier barrier(client, "/barrier", 2);
        co_await expect(barrier.enter_for(5s), true);
        const auto ready = co_await client.exists("/barrier/ready");
        CHECK(ready.has_value());
    });
}

}  // namespace zabd::recipes::tests
