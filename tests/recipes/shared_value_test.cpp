#include "recipes/shared_value.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <algorithm>

namespace zabd::recipes::tests {

namespace {

asio::awaitable<void> append(Client& client, char letter, int times) {
    SharedValue value(client, "/value");
    const SharedValue::Next next = [letter](const std::string& data) { return data + letter; };
    for (int i = 0; i < times; ++i) co_await value.update(next);
}

}  // namespace

TEST_CASE("a change is made only to the value that it was made from", "[shared_value]") {
    const bool traced = GENERATE(false, true);
    CAPTURE(traced);
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        SharedValue one(client, "/some/value", {.seed = "seed", .traced = traced});
        SharedValue two(other, "/some/value", {.seed = "another seed", .traced = traced});
        const auto seed = co_await one.get();
        CHECK(seed.data == "seed");
        const auto same = co_await two.get();
        CHECK(same.data == "seed");

        const auto first = co_await two.try_set(seed, "two's");
        REQUIRE(first);
        CHECK(first->version == seed.version + 1);
        co_await expect(one.try_set(seed, "one's"), std::nullopt);
        const auto now = co_await one.get();
        CHECK(now.data == "two's");
        const auto forced = co_await one.set("one's");
        CHECK(forced.version == now.version + 1);
        const auto last = co_await two.get();
        CHECK(last.data == "one's");
    });
}

TEST_CASE("no update of several writers is lost", "[shared_value]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto one = co_await site.connect();
        auto two = co_await site.connect();
        Tasks tasks(co_await asio::this_coro::executor);
        for (const char letter : {'a', 'b', 'c', 'd'}) tasks.start(append(letter < 'c' ? one : two, letter, 25));
        co_await tasks.join();
        SharedValue value(one, "/value");
        const auto all = co_await value.get();
        for (const char letter : {'a', 'b', 'c', 'd'}) CHECK(std::ranges::count(all.data, letter) == 25);
    });
}

TEST_CASE("an update that finds nothing to do changes nothing", "[shared_value]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        SharedValue value(client, "/value", {.seed = "seed"});
        const SharedValue::Next nothing = [](const std::string&) { return std::nullopt; };
        const auto change = co_await value.update(nothing);
        CHECK(change.after.version == change.before.version);
    });
}

}  // namespace zabd::recipes::tests
