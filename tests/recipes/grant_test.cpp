#include "recipes/grant.hpp"

#include "recipes/contest.hpp"
#include "recipes/fence.hpp"
#include "recipes/lock.hpp"
#include "tests/recipes/cable.hpp"
#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <optional>
#include <string>

namespace zabd::recipes::tests {
namespace {

using boost::system::error_code;

TEST_CASE("a grant of nothing is lost, and releasing it does nothing", "[grant]") {
    run([]() -> asio::awaitable<void> {
        Grant grant;
        CHECK(grant.state() == GrantState::kLost);
        CHECK(grant.path().empty());
        co_await grant.release();
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kLost);
        co_await expect(grant.revocation(), false);
    });
}

TEST_CASE("a grant's token is its node's czxid, and stays known after its end", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        auto grant = co_await lock.acquire();
        const auto stat = co_await client.exists(grant.path());
        REQUIRE(stat.has_value());
        CHECK(grant.token() == stat->czxid);
        co_await grant.release();
        CHECK(grant.token() == stat->czxid);
    });
}

TEST_CASE("releasing a grant deletes its node, and doing so again does nothing", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        auto grant = co_await lock.acquire();
        CHECK(grant.state() == GrantState::kHeld);
        co_await grant.release();
        CHECK(grant.state() == GrantState::kLost);
        co_await expect(got(client.exists(grant.path())), false);

        const auto next = co_await lock.acquire();
        co_await grant.release();
        CHECK(next.held());
        co_await expect(got(client.exists(next.path())), true);
    });
}

TEST_CASE("a grant that is destroyed or overwritten is released in the background", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        { const auto forgotten = co_await lock.acquire(); }
        auto kept = co_await lock.acquire();
        kept = Grant();
        const auto last = co_await lock.acquire();
        CHECK(last.held());
    });
}

TEST_CASE("a release is not forgotten when the connection breaks in the middle of it", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        Lock lock(client, "/lock");
        for (int i = 0; i < 10; ++i) {
            auto grant = co_await lock.acquire();
            Tasks tasks(co_await asio::this_coro::executor);
            tasks.start(grant.release());
            if (i % 2 == 0) co_await sleep_for(Millis(i / 4));
            client.drop_connection();
            co_await tasks.join();
            co_await expect(got(other.exists(grant.path())), false);
        }
    });
}

TEST_CASE("a grant is uncertain as soon as the connection is lost, and held again when it is back", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        const auto grant = co_await lock.acquire();
        const auto token = grant.token();
        client.drop_connection();
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kUncertain);
        CHECK_FALSE(grant.held());
        CHECK(grant.perhaps_held());
        co_await expect(grant.changed(GrantState::kUncertain), GrantState::kHeld);
        CHECK(grant.token() == token);
    });
}

TEST_CASE("a grant is lost when its session ends, even if the client has begun another", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        const auto grant = co_await lock.acquire();
        co_await site.expire(client);
        CHECK(grant.state() == GrantState::kLost);
        co_await client.connected();
        CHECK(grant.state() == GrantState::kLost);
        const auto next = co_await lock.acquire();
        CHECK(next.token() > grant.token());
        CHECK(grant.state() == GrantState::kLost);
    });
}

TEST_CASE("a grant is lost when the client is closed", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        auto grant = co_await lock.acquire();
        co_await client.close();
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kLost);
        co_await grant.release();
    });
}

TEST_CASE("a grant is lost when somebody deletes its node", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto administrator = co_await site.connect();
        Lock lock(client, "/lock");
        const auto grant = co_await lock.acquire();
        co_await administrator.remove(grant.path());
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kLost);
    });
}

TEST_CASE("without a connection a grant is lost by our own clock, and stays lost", "[grant]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Cable cable(executor);
        client::Options options;
        options.session_timeout = 1s;
        Client client(executor, site.connection_string_at(cable.address()), options);
        co_await client.connected();
        Lock lock(client, "/lock");
        const auto grant = co_await lock.acquire();
        cable.cut();
        co_await expect(grant.changed(GrantState::kHeld), GrantState::kUncertain);
        co_await expect(grant.changed(GrantState::kUncertain), GrantState::kLost);
        CHECK(Clock::now() >= client.session_deadline());
        cable.mend();
        co_await client.connected();
        CHECK(grant.state() == GrantState::kLost);
        const auto next = co_await lock.acquire();  // whatever became of the old node, it is in nobody's way
        CHECK(next.held());
    });
}

/// A process of its own: it is paused while its context is not run.
struct Process {
    explicit Process(const Site& site, std::optional<Millis> session_timeout = {}) : context(1) {
        client::Options options;
        if (session_timeout) options.session_timeout = *session_timeout;
        client.emplace(context.get_executor(), site.connection_string(), options);
        lock.emplace(*client, "/lock");
    }

    /// Runs the process until the coroutine has ended.
    template <class Body>
    void await(Body body) {
        std::optional<std::exception_ptr> outcome;
        asio::co_spawn(context, std::move(body), [&](std::exception_ptr failure) { outcome = failure; });
        const auto deadline = Clock::now() + kTimeMax;
        while (!outcome && Clock::now() < deadline) context.run_one_for(100ms);
        REQUIRE(outcome.has_value());
        if (*outcome) std::rethrow_exception(*outcome);
    }

    asio::io_context context;
    std::optional<Client> client;
    std::optional<Lock> lock;
};

TEST_CASE("a holder that wakes up after its session has ended is turned away", "[grant][fence]") {
    const Site site;
    Process first(site, 1s);
    Process second(site);
    Fence fence;  // of a resource somewhere else
    Grant early;
    Grant late;

    first.await([&]() -> asio::awaitable<void> {
        early = co_await first.lock->acquire();
        co_await first.client->create("/account", "begun");
        co_await fenced_set(*first.client, early, "/account", "by the first");
        CHECK(fence.admit(early.token()));
    });
    // The first is paused here, as its context does not run, and the server ends its session.
    second.await([&]() -> asio::awaitable<void> {
        late = co_await second.lock->acquire();
        co_await fenced_set(*second.client, late, "/account", "by the second");
        CHECK(fence.admit(late.token()));
    });
    // It wakes up, and believes what it believed before it has heard anything.
    CHECK(early.state() == GrantState::kLost);
    CHECK_FALSE(fence.admit(early.token()));
    CHECK(fence.admit(late.token()));
    first.await([&]() -> asio::awaitable<void> {
        error_code outcome = client::Errc::kConnectionLoss;
        while (outcome == client::Errc::kConnectionLoss || outcome == client::Errc::kNotSent) {
            outcome = co_await failure_of(fenced_set(*first.client, early, "/account", "by the first, again"));
        }
        CHECK(outcome == ContestErrc::kFenced);
        const auto account = co_await first.client->get("/account");
        CHECK(account.data == "by the second");
    });
    late = Grant();
    early = Grant();
}

TEST_CASE("a fenced write is refused for reasons of the resource's own, too", "[grant][fence]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Lock lock(client, "/lock");
        const auto grant = co_await lock.acquire();
        co_await expect(failure_of(fenced_set(client, grant, "/no-such-node", "")), client::Errc::kNoNode);
        co_await client.create("/node", "0");
        const auto stat = co_await fenced_set(client, grant, "/node", "1", {.version = 0});
        CHECK(stat.version == 1);
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
