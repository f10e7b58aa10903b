#include "recipes/config_watch.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <optional>
#include <string>

namespace zabd::recipes::tests {

namespace {

constexpr const char* kPath = "/app/config";

asio::awaitable<std::optional<std::string>> next_data(ConfigWatch& config) {
    const auto node = co_await config.next();
    co_return node ? std::optional(node->data) : std::nullopt;
}

/// Until it is `awaited`: values in between may be given or passed over.
asio::awaitable<void> follow(Client& client, std::string awaited) {
    ConfigWatch config(client, kPath);
    std::optional<std::string> data;
    while (data != awaited) data = co_await next_data(config);
}

}  // namespace

TEST_CASE("a config watch tells the value, and what becomes of it", "[config_watch]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto writer = co_await site.connect();
        ConfigWatch config(client, kPath);
        co_await expect(next_data(config), std::nullopt);
        co_await writer.ensure_path("/app");
        co_await writer.create(kPath, "one");
        co_await expect(next_data(config), "one");
        co_await writer.set(kPath, "two");
        co_await expect(next_data(config), "two");
        co_await writer.set(kPath, "two");  // a change all the same
        co_await expect(next_data(config), "two");
        co_await writer.remove(kPath);
        co_await expect(next_data(config), std::nullopt);
        co_await writer.create(kPath, "three");
        co_await writer.remove(kPath);
        co_await writer.create(kPath, "three");
        co_await expect(next_data(config), "three");
    });
}

TEST_CASE("a config watch misses no change that a lost connection has hidden", "[config_watch]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto writer = co_await site.connect();
        co_await writer.ensure_path(kPath);
        ConfigWatch config(client, kPath);
        co_await next_data(config);
        for (int round = 0; round < 5; ++round) {
            CAPTURE(round);
            client.drop_connection();
            if (round == 3) co_await site.expire(client);
            co_await writer.set(kPath, std::to_string(round));
            co_await expect(next_data(config), std::to_string(round));
        }
    });
}

TEST_CASE("the last of many changes reaches every watch", "[config_watch]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const client::Options hasty{.backoff_min = 1ms, .backoff_max = 20ms};
        auto client = co_await site.connect(hasty);
        auto writer = co_await site.connect();
        co_await writer.ensure_path(kPath);
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 10; ++i) tasks.start(follow(client, "200"));
        for (int i = 1; i <= 200; ++i) {
            co_await writer.set(kPath, std::to_string(i));
            if (i % 40 == 0) client.drop_connection();
        }
        co_await tasks.join();
    });
}

}  // namespace zabd::recipes::tests
