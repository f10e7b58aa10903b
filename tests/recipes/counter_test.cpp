#include "recipes/counter.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <boost/asio/post.hpp>

#include <limits>
#include <set>
#include <system_error>

namespace zabd::recipes::tests {

using client::Errc;

namespace {

constexpr int kAdditions = 40;

asio::awaitable<void> count_up(Client& client, std::set<std::int64_t>& seen) {
    Counter counter(client, "/counter");
    for (int i = 0; i < kAdditions; ++i) {
        const auto change = co_await counter.add(1);
        CHECK(change.after == change.before + 1);
        CHECK(seen.insert(change.after).second);
    }
}

asio::awaitable<void> count_up_and_fall(Client& client) {
    Counter counter(client, "/counter", {.traced = true});
    for (int i = 0; i < kAdditions; ++i) {
        // Asked, and then cut off: sometimes before the request has left, sometimes between it and its answer.
        asio::post(client.get_executor(), [&client, i] {
            if (i % 3 == 0) client.drop_connection();
        });
        co_await counter.add(1);
    }
}

asio::awaitable<void> expect_error(Counter& counter, std::int64_t amount, std::error_code expected) {
    boost::system::error_code error;
    try {
        co_await counter.add(amount);
    } catch (const boost::system::system_error& failure) {
        error = failure.code();
    }
    CHECK(error == boost::system::error_code(expected));
}

}  // namespace

TEST_CASE("a counter begins where it is told, and is kept as other libraries keep it", "[counter]") {
    struct Case {
        const char* name;
        NumberForm form;
        std::string data;
    };
    const auto c = GENERATE(values<Case>({
        {"Curator's long", NumberForm::kLong, std::string("\0\0\0\0\0\0\0\7", 8)},
        {"Curator's int", NumberForm::kInt, std::string("\0\0\0\7", 4)},
        {"kazoo's", NumberForm::kText, "7"},
    }));
    CAPTURE(c.name);
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Counter counter(client, "/a/counter", {.form = c.form, .initial = 5});
        co_await expect(counter.get(), 5);
        const auto change = co_await counter.add(2);
        CHECK(change.before == 5);
        CHECK(change.after == 7);
        const auto node = co_await client.get("/a/counter");
        CHECK(node.data == c.data);
        co_await expect(counter.compare_and_set(5, 1), false);
        co_await expect(counter.compare_and_set(7, -1), true);
        co_await expect(counter.get(), -1);
        const auto last = co_await counter.set(3);
        CHECK(last.before == -1);
        co_await expect(counter.get(), 3);
    });
}

TEST_CASE("no addition of many contenders is lost or made twice", "[counter]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto one = co_await site.connect();
        auto two = co_await site.connect();
        std::set<std::int64_t> seen;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 4; ++i) tasks.start(count_up(i % 2 == 0 ? one : two, seen));
        co_await tasks.join();
        CHECK(seen.size() == 4 * kAdditions);
        CHECK(*seen.rbegin() == 4 * kAdditions);
    });
}

TEST_CASE("a traced addition is made once although its answer is lost", "[counter]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const client::Options hasty{.backoff_min = 1ms, .backoff_max = 20ms};
        auto one = co_await site.connect(hasty);
        auto two = co_await site.connect(hasty);
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(count_up_and_fall(one));
        tasks.start(count_up_and_fall(two));
        co_await tasks.join();
        Counter counter(one, "/counter");
        co_await expect(counter.get(), 2 * kAdditions);
        // The marks go in the background.
        for (int i = 0; i < 100; ++i) {
            const auto marks = co_await one.children("/counter");
            if (marks.names.empty()) co_return;
            co_await sleep_for(10ms);
        }
        FAIL("marks are left");
    });
}

TEST_CASE("a counter that cannot go on says so, and stays what it was", "[counter]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        const auto out_of_range = std::make_error_code(std::errc::result_out_of_range);
        Counter small(client, "/small",
                      {.form = NumberForm::kInt, .initial = std::numeric_limits<std::int32_t>::max()});
        co_await expect_error(small, 1, out_of_range);
        co_await expect(small.get(), std::numeric_limits<std::int32_t>::max());
        Counter large(client, "/large", {.initial = std::numeric_limits<std::int64_t>::min()});
        co_await expect_error(large, -1, out_of_range);

        co_await client.create("/text", "seven");
        Counter text(client, "/text", {.form = NumberForm::kText});
        co_await expect_error(text, 1, Errc::kMarshallingError);
        const auto node = co_await client.get("/text");
        CHECK(node.data == "seven");
    });
}

}  // namespace zabd::recipes::tests
