#include "recipes/lock.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zabd::recipes::tests {
namespace {

using boost::system::error_code;
using boost::system::system_error;

/// What must never be two at once.
struct Room {
    int inside = 0;
    int turns = 0;
    bool crowded = false;
};

asio::awaitable<void> take_turns(Lock& lock, Room& room, int turns) {
    for (int i = 0; i < turns; ++i) {
        auto grant = co_await lock.acquire();
        room.crowded = room.crowded || ++room.inside > 1;
        co_await sleep_for(1ms);
        --room.inside;
        ++room.turns;
        co_await grant.release();
    }
}

/// A lock of a client of its own.
struct Contestant {
    Contestant(Client its_client, Flavor flavor)
        : client(std::make_unique<Client>(std::move(its_client))), lock(*client, "/lock", {.flavor = flavor}) {}

    std::unique_ptr<Client> client;
    Lock lock;
};

asio::awaitable<std::vector<std::unique_ptr<Contestant>>> make_contestants(const Site& site, int count,
                                                                           Flavor flavor = Flavor::kCurator) {
    std::vector<std::unique_ptr<Contestant>> contestants;
    client::Options options;
    options.session_timeout = 30s;  // no pings meanwhile
    for (int i = 0; i < count; ++i) {
        auto client = co_await site.connect(options);
        contestants.push_back(std::make_unique<Contestant>(std::move(client), flavor));
    }
    co_return contestants;
}

asio::awaitable<std::size_t> queue_length(Client& client) {
    const auto [error, children] = co_await client.children("/lock", {}, as_value);
    co_return error ? 0 : children.names.size();
}

asio::awaitable<void> await_queue_length(Client& client, std::size_t length) {
    const auto deadline = Clock::now() + 10s;
    while (co_await queue_length(client) != length) {
        if (Clock::now() > deadline) FAIL("the queue never had " << length);
        co_await sleep_for(5ms);
    }
}

TEST_CASE("a lock is held by one at a time, and everybody gets it", "[lock]") {
    const Site site;
    const auto flavor = GENERATE(Flavor::kCurator, Flavor::kKazoo);
    CAPTURE(static_cast<int>(flavor));
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 5, flavor);
        Room room;
        Tasks tasks(co_await asio::this_coro::executor);
        for (auto& contestant : contestants) {
            for (int i = 0; i < 4; ++i) tasks.start(take_turns(contestant->lock, room, 5));
        }
        co_await tasks.join();
        CHECK_FALSE(room.crowded);
        CHECK(room.turns == 100);
        co_await expect(queue_length(*contestants[0]->client), std::size_t{0});
    });
}

TEST_CASE("a lock stays exclusive, and nobody is forgotten, while connections break", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 4);
        Room room;
        Tasks tasks(co_await asio::this_coro::executor);
        for (auto& contestant : contestants) {
            for (int i = 0; i < 2; ++i) tasks.start(take_turns(contestant->lock, room, 10));
        }
        for (int i = 0; tasks.running() > 0; ++i) {
            contestants[static_cast<std::size_t>(i) % contestants.size()]->client->drop_connection();
            co_await sleep_for(7ms);
        }
        co_await tasks.join();
        CHECK_FALSE(room.crowded);
        CHECK(room.turns == 80);
        co_await await_queue_length(*contestants[0]->client, 0);
    });
}

TEST_CASE("a lock is granted in the order in which it was asked for", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 8);
        auto first = co_await contestants[0]->lock.acquire();
        std::vector<std::size_t> order;
        Zxid last_token = first.token();
        const auto wait = [&](std::size_t number) -> asio::awaitable<void> {
            auto grant = co_await contestants[number]->lock.acquire();
            order.push_back(number);
            CHECK(grant.token() > last_token);
            last_token = grant.token();
        };
        Tasks tasks(co_await asio::this_coro::executor);
        for (std::size_t i = 1; i < contestants.size(); ++i) {
            tasks.start(wait(i));
            co_await await_queue_length(*contestants[0]->client, i + 1);
        }
        co_await first.release();
        co_await tasks.join();
        CHECK(order == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7});
    });
}

TEST_CASE("a release wakes only the next in the queue", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 10);
        auto first = co_await contestants[0]->lock.acquire();
        std::vector<Grant> granted;
        const auto wait = [&](std::size_t number) -> asio::awaitable<void> {
            granted.push_back(co_await contestants[number]->lock.acquire());
        };
        Tasks tasks(co_await asio::this_coro::executor);
        for (std::size_t i = 1; i < contestants.size(); ++i) {
            tasks.start(wait(i));
            co_await await_queue_length(*contestants[0]->client, i + 1);
        }
        co_await sleep_for(100ms);  // all have listed, and wait
        co_await first.release();
        co_await eventually([&] { return granted.size() == 1; });
        const auto released = contestants[1]->client->last_zxid();
        co_await sleep_for(100ms);
        for (std::size_t i = 2; i < contestants.size(); ++i) {
            CHECK(contestants[i]->client->last_zxid() < released);  // it has asked nothing since
        }
        while (tasks.running() > 0) {
            granted.clear();
            co_await sleep_for(1ms);
        }
        co_await tasks.join();
    });
}

TEST_CASE("no wake-up is lost between two that hand a lock to and fro", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        int turns = 0;
        const auto play = [&](Lock& lock) -> asio::awaitable<void> {
            for (int i = 0; i < 150; ++i) {
                const auto grant = co_await lock.acquire();
                ++turns;
            }
        };
        Tasks tasks(co_await asio::this_coro::executor);
        for (auto& contestant : contestants) tasks.start(play(contestant->lock));
        co_await tasks.join();
        CHECK(turns == 300);
    });
}

TEST_CASE("who waits for a lock gives up after its limit and leaves the queue", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        auto held = co_await contestants[0]->lock.acquire();
        const auto began = Clock::now();
        const auto waited = co_await contestants[1]->lock.acquire_within(200ms);
        CHECK_FALSE(waited.has_value());
        CHECK(Clock::now() - began >= 200ms);
        co_await await_queue_length(*contestants[0]->client, 1);
        CHECK(held.held());
        co_await held.release();
        const auto free = co_await contestants[1]->lock.acquire_within(10s);
        CHECK(free.has_value());
    });
}

TEST_CASE("trying for a lock does not wait", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        auto held = co_await contestants[0]->lock.try_acquire();
        REQUIRE(held.has_value());
        const auto refused = co_await contestants[1]->lock.try_acquire();
        CHECK_FALSE(refused.has_value());
        co_await held->release();
        co_await await_queue_length(*contestants[0]->client, 0);
        const auto free = co_await contestants[1]->lock.try_acquire();
        CHECK(free.has_value());
    });
}

TEST_CASE("who is cancelled leaves the queue, at whatever step", "[lock]") {
    const Site site;
    const auto delay = GENERATE(0ms, 1ms, 2ms, 5ms, 50ms);
    CAPTURE(delay.count());
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        auto held = co_await contestants[0]->lock.acquire();
        asio::cancellation_signal signal;
        std::exception_ptr outcome;
        bool ended = false;
        const auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(executor, contestants[1]->lock.acquire(),
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, const Grant&) {
                           outcome = failure;
                           ended = true;
                       }));
        co_await sleep_for(delay);
        signal.emit(asio::cancellation_type::terminal);
        co_await eventually([&] { return ended; });
        CHECK_THROWS_AS(std::rethrow_exception(outcome), system_error);
        co_await sleep_for(20ms);  // a create that was under way may still arrive
        co_await await_queue_length(*contestants[0]->client, 1);
        CHECK(held.held());
    });
}

TEST_CASE("who waits when its session ends is told, and may come again", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        auto held = co_await contestants[0]->lock.acquire();
        error_code outcome;
        const auto wait = [&]() -> asio::awaitable<void> {
            outcome = co_await failure_of(contestants[1]->lock.acquire());
        };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(wait());
        co_await await_queue_length(*contestants[0]->client, 2);
        co_await site.expire(*contestants[1]->client);
        co_await tasks.join();
        CHECK(outcome == ContestErrc::kContenderGone);
        co_await held.release();
        const auto grant = co_await contestants[1]->lock.acquire();
        CHECK(grant.held());
    });
}

TEST_CASE("a lock passes on when its holder's session ends", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        const auto held = co_await contestants[0]->lock.acquire();
        Tasks tasks(co_await asio::this_coro::executor);
        const auto wait = [&]() -> asio::awaitable<void> {
            const auto grant = co_await contestants[1]->lock.acquire();
            CHECK(grant.token() > held.token());
        };
        tasks.start(wait());
        co_await await_queue_length(*contestants[1]->client, 2);
        co_await site.expire(*contestants[0]->client);
        co_await tasks.join();
        CHECK(held.state() == GrantState::kLost);
    });
}

TEST_CASE("who contends for a lock can be seen, in order", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock first(client, "/lock", {.identifier = "first"});
        Lock second(client, "/lock", {.identifier = "second"});
        const auto nobody = co_await first.contenders();
        CHECK(nobody.empty());
        auto held = co_await first.acquire();
        Tasks tasks(co_await asio::this_coro::executor);
        const auto wait = [&]() -> asio::awaitable<void> { const auto grant = co_await second.acquire(); };
        tasks.start(wait());
        co_await await_queue_length(client, 2);
        co_await client.create("/lock/somebody-elses-node");
        const auto contenders = co_await second.contenders();
        REQUIRE(contenders.size() == 2);
        CHECK(contenders[0].identifier == "first");
        CHECK("/lock/" + contenders[0].name == held.path());
        CHECK(contenders[1].identifier == "second");
        co_await held.release();
        co_await tasks.join();
    });
}

TEST_CASE("a holder hears that somebody wants its lock back", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto contestants = co_await make_contestants(site, 2);
        auto held = co_await contestants[0]->lock.acquire();
        const auto obey = [&]() -> asio::awaitable<void> {
            co_await expect(held.revocation(), true);
            co_await held.release();
        };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(obey());
        CHECK_FALSE(held.revocation_requested());
        co_await request_revocation(*contestants[1]->client, held.path());
        const auto grant = co_await contestants[1]->lock.acquire();
        CHECK(grant.held());
        co_await tasks.join();
    });
}

TEST_CASE("once numbers have wrapped, the order is that in which nodes were made", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        auto first = co_await lock.acquire();
        co_await client.create("/lock/lock--000000005");  // behind the first, whatever its number says
        const auto contenders = co_await lock.contenders();
        CHECK("/lock/" + contenders.at(0).name == first.path());
        co_await first.release();
        co_await expect(got(lock.acquire_within(100ms)), false);
        co_await client.remove("/lock/lock--000000005");
        co_await expect(got(lock.acquire_within(10s)), true);
    });
}

TEST_CASE("a lock that Curator and kazoo would share is refused", "[lock]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock curator(client, "/lock");
        Lock kazoo(client, "/lock", {.flavor = Flavor::kKazoo});
        auto held = co_await curator.acquire();
        co_await expect(failure_of(kazoo.acquire()), ContestErrc::kMixedContenders);
        co_await await_queue_length(client, 1);
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
