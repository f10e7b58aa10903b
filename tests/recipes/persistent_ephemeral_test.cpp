#include "recipes/persistent_ephemeral.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <boost/asio/post.hpp>

#include <optional>
#include <string>

namespace zabd::recipes::tests {

using client::CreateMode;
using client::Errc;

namespace {

constexpr const char* kPath = "/members/me";

/// The data of the node if it belongs to the client's session.
asio::awaitable<std::optional<std::string>> own_data(Client& client) {
    const auto [error, node] = co_await client.get(kPath, {.linearizable = true}, as_value);
    const bool own = !error && SessionId{node.stat.ephemeral_owner} == client.session().id;
    co_return own ? std::optional(node.data) : std::nullopt;
}

asio::awaitable<void> until_own(Client& client, std::string data) {
    for (int i = 0; i < 1'000; ++i) {
        const auto found = co_await own_data(client);
        if (found == data) co_return;
        co_await sleep_for(5ms);
    }
    FAIL("no node with " << data);
}

asio::awaitable<boost::system::error_code> failure_of(PersistentEphemeral& node) {
    try {
        co_await node.established();
    } catch (const boost::system::system_error& failure) {
        co_return failure.code();
    }
    co_return boost::system::error_code{};
}

}  // namespace

TEST_CASE("a persistent ephemeral stands until it is closed", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        PersistentEphemeral node(client, kPath, "hello");
        co_await node.established();
        CHECK(node.present());
        co_await expect(own_data(client), "hello");
        co_await node.set_data("changed");
        co_await expect(own_data(client), "changed");
        co_await node.close();
        CHECK_FALSE(node.present());
        co_await expect(client.exists(kPath), std::nullopt);
        co_await expect(failure_of(node), Errc::kClosed);
    });
}

TEST_CASE("a persistent ephemeral that is destroyed goes, made or not", "[persistent_ephemeral]") {
    const bool made = GENERATE(false, true);
    CAPTURE(made);
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.ensure_path("/members");
        {
            PersistentEphemeral node(client, kPath);
            if (made) co_await node.established();
            if (!made) co_await asio::post(asio::use_awaitable);  // the request is under way
        }
        for (int i = 0; i < 3; ++i) {
            co_await expect(client.exists(kPath, {.linearizable = true}), std::nullopt);
            co_await sleep_for(10ms);
        }
    });
}

TEST_CASE("a persistent ephemeral comes back", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        PersistentEphemeral node(client, kPath, "data");
        co_await node.established();
        for (int i = 0; i < 3; ++i) {
            SECTION("deleted by somebody") { co_await other.remove(kPath); }
            SECTION("its session ended") { co_await site.expire(client); }
            SECTION("its connection was lost") { client.drop_connection(); }
            co_await until_own(client, "data");
            co_await eventually([&] { return node.present(); });
        }
        co_await node.close();
    });
}

TEST_CASE("data set while the connection is down are written afterwards", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        PersistentEphemeral node(client, kPath, "old");
        co_await node.established();
        client.drop_connection();
        co_await node.set_data("new");
        co_await expect(own_data(client), "new");
        co_await site.expire(client);
        co_await node.set_data("newer");
        co_await expect(own_data(client), "newer");
        co_await node.close();
    });
}

TEST_CASE("what a former session has left is replaced", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto former = co_await site.connect();
        auto client = co_await site.connect();
        co_await former.ensure_path("/members");
        co_await former.create(kPath, "of old", {.mode = CreateMode::kEphemeral});
        PersistentEphemeral node(client, kPath, "of now");
        co_await node.established();
        co_await expect(own_data(client), "of now");
        co_await former.close();
        co_await expect(own_data(client), "of now");
        co_await node.close();
    });
}

TEST_CASE("what another session has may be waited for", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto former = co_await site.connect();
        auto client = co_await site.connect();
        co_await former.ensure_path("/members");
        co_await former.create(kPath, "of old", {.mode = CreateMode::kEphemeral});
        {
            PersistentEphemeral gives_up(client, kPath, "of now", Leftover::kWait);
            co_await sleep_for(30ms);
        }
        PersistentEphemeral node(client, kPath, "of now", Leftover::kWait);
        co_await sleep_for(50ms);
        CHECK_FALSE(node.present());
        co_await expect(own_data(former), "of old");
        co_await former.close();
        co_await node.established();
        co_await expect(own_data(client), "of now");
        co_await node.close();
    });
}

TEST_CASE("of two that live at one path the first gives way, and says so", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto first = co_await site.connect();
        auto second = co_await site.connect();
        PersistentEphemeral older(first, kPath, "older");
        co_await older.established();
        PersistentEphemeral newer(second, kPath, "newer");
        co_await newer.established();
        co_await eventually([&] { return older.failure() == Errc::kNodeExists; });
        co_await expect(failure_of(older), Errc::kNodeExists);
        co_await older.close();
        co_await expect(own_data(second), "newer");
        co_await newer.close();
    });
}

TEST_CASE("a node that is not ephemeral is left alone", "[persistent_ephemeral]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.ensure_path(kPath);
        PersistentEphemeral node(client, kPath);
        co_await expect(failure_of(node), Errc::kNodeExists);
        co_await node.close();
        const auto stat = co_await client.exists(kPath);
        CHECK(stat.has_value());
    });
}

}  // namespace zabd::recipes::tests
