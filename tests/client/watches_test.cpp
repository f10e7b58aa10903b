// Watches on a live server.
#include "tests/client/support.hpp"

#include <optional>
#include <set>

using namespace zabd::client;
using namespace zabd::client::tests;

namespace {

/// "created /a", ...
std::string text_of(const Event& event) {
    return std::string(name_of(event.type)) + " " +
           (event.type == EventType::kState ? name_of(event.state) : event.path);
}

asio::awaitable<std::string> next_text(Watch& watch) {
    const auto event = co_await next_of_node(watch);
    co_return text_of(event);
}

asio::awaitable<void> expect_next(Watch& watch, std::string text) {
    const auto next = co_await next_text(watch);
    CHECK(next == text);
}

}  // namespace

TEST_CASE("one-shot watches hear what they are for, once", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        auto watch = client.make_watch();
        const auto stat = co_await client.exists("/a", {.watch = &watch});
        CHECK(!stat);
        co_await other.create("/a");
        co_await expect_next(watch, "created /a");
        co_await other.set("/a", "unheard");
        co_await client.get("/a", {.watch = &watch});
        co_await other.set("/a", "heard");
        co_await expect_next(watch, "changed /a");
        co_await client.children("/a", {.watch = &watch});
        co_await other.create("/a/b");
        co_await expect_next(watch, "children changed /a");
        co_await other.remove("/a/b");
        co_await client.sync("/");
        CHECK(!watch.poll());
    });
}

TEST_CASE("a read that fails arms no watch", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        co_await expect(Errc::kNoNode, client.get("/a", {.watch = &watch}));
        co_await client.create("/a");
        CHECK(!watch.poll());
    });
}

TEST_CASE("persistent watches hear everything, recursive ones from below too", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto plain = co_await client.watch("/a");
        auto recursive = co_await client.watch("/", true);
        co_await client.create("/a");
        co_await client.create("/a/b");
        co_await client.set("/a/b", "x");
        co_await client.remove("/a/b");
        co_await client.set("/a", "y");
        for (const auto* text : {"created /a", "children changed /a", "children changed /a", "changed /a"}) {
            co_await expect_next(plain, text);
        }
        for (const auto* text : {"created /a", "created /a/b", "changed /a/b", "deleted /a/b", "changed /a"}) {
            co_await expect_next(recursive, text);
        }
    });
}

TEST_CASE("an event is there before the answer that shows its cause", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        co_await client.exists("/a", {.watch = &watch});
        co_await client.create("/a");
        CHECK(watch.poll());
    });
}

TEST_CASE("who takes too few events is told, and goes on from there", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = co_await client.watch("/", true, 4);
        for (int i = 0; i < 6; ++i) co_await client.create("/" + std::to_string(i));
        const auto lagged = co_await watch.next();
        CHECK(lagged.type == EventType::kLagged);
        co_await client.create("/last");
        auto event = co_await next_text(watch);
        while (event != "created /last") event = co_await next_text(watch);
        CHECK(!watch.poll());
    });
}

TEST_CASE("one-shot watches fire for what was missed while disconnected", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect({.backoff_min = 200ms});
        auto other = co_await site.connect();
        co_await other.create("/a");
        co_await other.create("/gone");
        auto watch = client.make_watch();
        co_await client.get("/a", {.watch = &watch});
        co_await client.exists("/new", {.watch = &watch});
        co_await client.children("/gone", {.watch = &watch});
        co_await lose_connection(client);
        co_await other.multi(Multi().set("/a", "x").create("/new").remove("/gone"));
        std::set<std::string> heard;
        while (heard.size() < 3) heard.insert(co_await next_text(watch));
        CHECK(heard == std::set<std::string>{"changed /a", "created /new", "deleted /gone"});
    });
}

TEST_CASE("persistent watches go along to the next connection, with the states in their place", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = co_await client.watch("/", true);
        co_await client.create("/a");
        co_await lose_connection(client);
        co_await client.connected();
        co_await client.create("/b");
        for (const auto* text : {"created /a", "state suspended", "state connected", "created /b"}) {
            const auto event = co_await watch.next();
            CHECK(text_of(event) == text);
        }
    });
}

TEST_CASE("a closed watch is taken from the server, others on its path stay", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        std::optional closing(co_await client.watch("/a"));
        auto staying = co_await client.watch("/a");
        auto alone = co_await client.watch("/alone");
        closing->close();
        CHECK(!closing->open());
        co_await expect(Errc::kWatchClosed, closing->next());
        co_await expect(Errc::kWatchClosed, client.get("/", {.watch = &*closing}));
        closing.reset();
        alone.close();
        co_await expect(Errc::kNoWatcher, client.remove_watches("/alone"));
        co_await other.create("/a");
        co_await expect_next(staying, "created /a");
    });
}

TEST_CASE("watches removed by request fire no more", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        co_await client.exists("/a", {.watch = &watch});
        co_await client.remove_watches("/a", WatcherType::kData);
        co_await client.create("/a");
        CHECK(!watch.poll());
        co_await expect(Errc::kNoWatcher, client.remove_watches("/a"));
    });
}

TEST_CASE("closing a watch wakes whoever waits for it", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        std::error_code end;
        const auto note = [&](boost::system::error_code error, const Event&) { end = error; };
        watch.next(note);
        co_await expect(Errc::kWatchClosed, watch.next());  // one waiter at a time
        watch.close();
        CHECK(!end);
        co_await eventually([&] { return end == Errc::kWatchClosed; });
    });
}

TEST_CASE("a watch hears the client being closed, and then no more", "[watches]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto watch = client.make_watch();
        co_await client.close();
        const auto last = co_await watch.next();
        CHECK(text_of(last) == "state closed");
        co_await expect(Errc::kClosed, watch.next());
        auto late = client.make_watch();
        co_await expect(Errc::kClosed, late.next());
    });
}
