#include "recipes/tree_cache.hpp"

#include "tests/recipes/cable.hpp"
#include "tests/recipes/support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace zabd::recipes::tests {

using client::Errc;
using Type = TreeEvent::Type;

namespace {

constexpr const char* kTree = "/tree";

using Snapshot = std::map<std::string, std::pair<std::string, Zxid>>;  // path to data and czxid

void add_copy(const TreeCache& cache, const std::string& path, Snapshot& snapshot) {
    const auto* node = cache.find(path);
    if (node == nullptr) return;
    snapshot[path] = {node->data, node->stat.czxid};
    for (const auto& name : cache.children(path)) add_copy(cache, path + "/" + name, snapshot);
}

Snapshot copy_of(const TreeCache& cache) {
    Snapshot snapshot;
    add_copy(cache, kTree, snapshot);
    return snapshot;
}

asio::awaitable<void> add_real(Client& client, std::string path, Snapshot& snapshot) {
    const auto [missing, node] = co_await client.get(path, {}, as_value);
    if (missing) co_return;
    snapshot[path] = {node.data, node.stat.czxid};
    const auto children = co_await client.children(path);
    for (const auto& name : children.names) co_await add_real(client, path + "/" + name, snapshot);
}

asio::awaitable<void> until_equal(Client& client, const TreeCache& cache) {
    Snapshot real;
    co_await add_real(client, kTree, real);
    co_await eventually([&] { return copy_of(cache) == real; });
    CHECK(cache.size() == real.size());
}

/// A random change somewhere in a small tree; many of them fail, as it happens.
asio::awaitable<void> change_something(Client& client, std::minstd_rand& random) {
    std::string path = kTree;
    const auto depth = 1 + random() % 3;
    for (unsigned i = 0; i < depth; ++i) path += fmt::format("/{}", random() % 3);
    switch (random() % 4) {
        case 0: co_await client.remove(path, {}, as_value); break;
        case 1: co_await client.set(path, std::to_string(random()), {}, as_value); break;
        default: co_await client.create(path, std::to_string(random()), {}, as_value); break;
    }
}

std::string text_of(const TreeEvent& event) {
    switch (event.type) {
        case Type::kAdded: return "+" + event.path;
        case Type::kChanged: return "~" + event.path;
        case Type::kRemoved: return "-" + event.path;
        case Type::kFresh: return "fresh";
        case Type::kStale: return "stale";
        case Type::kLagged: return "lagged";
    }
    return "?";
}

/// The next events, as many as `expected` has words.
asio::awaitable<void> expect_events(TreeCache& cache, std::string expected) {
    std::string got;
    for (auto left = 1 + std::ranges::count(expected, ' '); left > 0; --left) {
        const auto event = co_await cache.next();
        got += text_of(event) + (left > 1 ? " " : "");
    }
    CHECK(got == expected);
}

}  // namespace

TEST_CASE("a tree cache loads a tree and follows it", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto writer = co_await site.connect();
        co_await writer.create(kTree, "root");
        co_await writer.create("/tree/a", "1");
        co_await writer.create("/tree/a/b");
        co_await writer.create("/treetop", "no part of it");
        TreeCache cache(client, kTree);
        co_await cache.ready();
        CHECK(cache.size() == 3);
        REQUIRE(cache.find("/tree/a") != nullptr);
        CHECK(cache.find("/tree/a")->data == "1");
        CHECK(cache.find("/treetop") == nullptr);
        CHECK(cache.children(kTree) == std::vector<std::string>{"a"});
        co_await expect_events(cache, "+/tree +/tree/a +/tree/a/b");
        co_await expect_events(cache, "fresh");

        co_await writer.set("/tree/a", "2");
        co_await expect_events(cache, "~/tree/a");
        CHECK(cache.find("/tree/a")->data == "2");
        co_await writer.create("/tree/c");
        co_await expect_events(cache, "+/tree/c");
        co_await writer.remove("/tree/a/b");
        co_await expect_events(cache, "-/tree/a/b");
        co_await writer.remove("/tree/a");
        co_await expect_events(cache, "-/tree/a");
        CHECK(cache.children(kTree) == std::vector<std::string>{"c"});

        client::Multi again;
        again.remove("/tree/c").create("/tree/c");
        co_await writer.multi(again);
        co_await expect_events(cache, "-/tree/c +/tree/c");
        cache.close();
    });
}

TEST_CASE("a tree cache may come before its tree", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        TreeCache cache(client, kTree);
        co_await cache.ready();
        CHECK(cache.size() == 0);
        co_await client.ensure_path("/tree/a/b/c");
        co_await until_equal(client, cache);
        CHECK(cache.size() == 4);
    });
}

TEST_CASE("a tree cache follows many changes to the same end", "[tree_cache]") {
    const bool drops = GENERATE(false, true);
    CAPTURE(drops);
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const client::Options hasty{.backoff_min = 1ms, .backoff_max = 20ms};
        auto client = co_await site.connect(hasty);
        auto writer = co_await site.connect();
        co_await writer.create(kTree);
        TreeCache cache(client, kTree);
        std::minstd_rand random(7);
        for (int round = 0; round < 10; ++round) {
            CAPTURE(round);
            for (int i = 0; i < 60; ++i) {
                if (drops && i == 20) client.drop_connection();
                co_await change_something(writer, random);
            }
            if (drops && round == 5) co_await site.expire(client);
            co_await cache.ready();
            co_await until_equal(writer, cache);
        }
    });
}

TEST_CASE("a tree cache knows when it may be stale", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        Cable cable(co_await asio::this_coro::executor);
        const client::Options hasty{.backoff_min = 1ms, .backoff_max = 20ms};
        Client client(co_await asio::this_coro::executor, site.connection_string_at(cable.address()), hasty);
        auto writer = co_await site.connect();
        co_await writer.ensure_path("/tree/gone");
        TreeCache cache(client, kTree);
        co_await expect_events(cache, "+/tree +/tree/gone fresh");
        cable.cut();
        co_await expect_events(cache, "stale");
        CHECK_FALSE(cache.fresh());
        co_await writer.remove("/tree/gone");
        co_await writer.create("/tree/new");
        cable.mend();
        co_await expect_events(cache, "-/tree/gone +/tree/new fresh");
        CHECK(cache.fresh());
    });
}

TEST_CASE("a tree that is too large stops its cache", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create(kTree);
        for (int i = 0; i < 20; ++i) co_await client.create(fmt::format("/tree/{}", i), "0123456789");
        TreeCache few(client, kTree, {.nodes_max = 20});
        TreeCache small(client, kTree, {.bytes_max = 200});
        TreeCache enough(client, kTree, {.nodes_max = 21, .bytes_max = 1'000});
        co_await enough.ready();
        constexpr auto no_space = std::errc::no_buffer_space;
        co_await eventually([&] { return few.failure() == no_space && small.failure() == no_space; });
        boost::system::error_code error;
        try {
            co_await few.ready();
        } catch (const boost::system::system_error& failure) {
            error = failure.code();
        }
        CHECK(error == no_space);
    });
}

TEST_CASE("events that nobody takes are dropped, and that is told", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create(kTree);
        for (int i = 0; i < 20; ++i) co_await client.create(fmt::format("/tree/{}", i));
        TreeCache cache(client, kTree, {.events_max = 8});
        co_await cache.ready();
        co_await expect_events(cache, "lagged");
        auto event = co_await cache.next();
        while (event.type == Type::kAdded) event = co_await cache.next();
        CHECK(event.type == Type::kFresh);
    });
}

TEST_CASE("a closed tree cache tells those who wait", "[tree_cache]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        TreeCache cache(client, kTree);
        co_await expect_events(cache, "fresh");
        boost::system::error_code error;
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start([&]() -> asio::awaitable<void> {
            try {
                co_await cache.next();
            } catch (const boost::system::system_error& failure) {
                error = failure.code();
            }
        });
        co_await sleep_for(10ms);
        cache.close();
        co_await tasks.join();
        CHECK(error == Errc::kClosed);
    });
}

}  // namespace zabd::recipes::tests
