// Clients and watches that end in every state. What they leave behind the address sanitizer tells.
#include "tests/client/support.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>

#include <memory>
#include <optional>

using namespace zabd::client;
using namespace zabd::client::tests;
using boost::system::error_code;

namespace {

/// Some of everything that can be under way, each of which must end once.
struct Load {
    explicit Load(Client& client) : watch(client.make_watch()) {
        const auto count = [this](error_code, auto&&...) { ++ended; };
        client.create("/a", "", {.mode = CreateMode::kEphemeral}, count);
        client.get("/", {.watch = &watch, .linearizable = true}, count);
        client.exists("/b", {.watch = &watch}, count);
        client.arm(watch, "/", true, {}, count);
        client.add_auth("digest", "a:b", {}, count);
        client.connected({}, count);
        watch.next([this](error_code error, const Event&) { last_event_error = error, ++ended; });
    }

    Watch watch;
    int ended = 0;
    std::error_code last_event_error;
    static constexpr int kAll = 7;
};

/// Waits for ever, and holds a client and a watch while it does.
asio::awaitable<void> hold(std::string servers, std::shared_ptr<int> witness) {
    auto client = co_await Client::connect(servers);
    auto watch = co_await client.watch("/");
    for (;;) co_await watch.next();
    *witness = 1;
}

asio::awaitable<void> hold_unconnected(std::shared_ptr<int> witness) {
    Client client(co_await asio::this_coro::executor, "127.0.0.1:1");
    co_await client.get("/");
    *witness = 1;
}

asio::awaitable<void> hold_closed(std::string servers, std::shared_ptr<int> witness) {
    auto client = co_await Client::connect(servers);
    auto watch = client.make_watch();
    co_await client.close();
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    *witness = 1;
}

asio::awaitable<void> hold_over(std::string servers, std::shared_ptr<int> witness) {
    const auto executor = co_await asio::this_coro::executor;
    Session unknown{.id = zabd::SessionId{0x1234}};
    unknown.password.fill('x');
    Client client(executor, servers, {.session = unknown, .renew_session = false});
    auto watch = client.make_watch();
    for (;;) co_await watch.next();
    *witness = 1;
}

asio::awaitable<void> hold_nowhere(std::shared_ptr<int> witness) {
    Client client(co_await asio::this_coro::executor, "no:port");
    auto watch = client.make_watch();
    co_await watch.next();
    *witness = 1;
}

}  // namespace

TEST_CASE("a client destroyed at any time ends all that waits, once", "[lifetime]") {
    const Site site;
    const auto delay = GENERATE(0us, 200us, 500us, 1000us, 2000us, 4000us, 20000us);
    const bool close_first = GENERATE(false, true);
    CAPTURE(delay.count(), close_first);
    asio::io_context context;
    std::optional<Client> client(std::in_place, context.get_executor(), site.connection_string());
    Load load(*client);
    context.run_for(delay);
    if (close_first) client->close(asio::detached);
    const auto ended = load.ended;
    client.reset();
    CHECK(load.ended == ended);
    context.run_for(2s);
    CHECK(context.stopped());
    CHECK(load.ended == Load::kAll);
}

TEST_CASE("watches outlive their client harmlessly", "[lifetime]") {
    const Site site;
    asio::io_context context;
    std::optional<Client> client(std::in_place, context.get_executor(), site.connection_string());
    auto early = client->make_watch();
    auto late = client->make_watch();
    auto moved = std::move(early);
    CHECK(!early.open());
    context.run_for(20ms);
    client.reset();
    context.run_for(2s);
    early.close();
    while (moved.poll()) continue;
    error_code end;
    moved.next([&](error_code error, const Event&) { end = error; });
    context.restart();
    context.run_for(1s);
    CHECK(end == Errc::kClosed);
}

TEST_CASE("a watch closed while a read arms it leaves nothing behind", "[lifetime]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        std::optional watch(client.make_watch());
        client.exists("/a", {.watch = &*watch}, asio::detached);
        client.arm(*watch, "/a", true, {}, asio::detached);
        watch->close();
        co_await client.sync("/");
        watch.reset();
        co_await other.create("/a");
        co_await client.sync("/");
        co_await expect(Errc::kNoWatcher, client.remove_watches("/a"));
    });
}

TEST_CASE("a watch destroyed by the event of another hears nothing", "[lifetime]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto first = co_await client.watch("/", true);
        auto second = std::make_unique<Watch>(co_await client.watch("/", true));
        first.next([&](error_code, const Event&) { second.reset(); });
        co_await client.create("/a");
        CHECK(!second);
        co_await client.create("/b");
    });
}

TEST_CASE("a handler may destroy the client that calls it", "[lifetime]") {
    const Site site;
    asio::io_context context;
    auto client = std::make_unique<Client>(context.get_executor(), site.connection_string());
    int ended = 0;
    client->get("/", {}, [&](error_code, const NodeData&) { ++ended, client.reset(); });
    client->get("/", {}, [&](error_code, const NodeData&) { ++ended; });
    context.run_for(2s);
    CHECK(context.stopped());
    CHECK(ended == 2);
}

TEST_CASE("an io_context destroyed under waiting coroutines frees them all", "[lifetime]") {
    const Site site;
    const auto delay = GENERATE(0us, 300us, 1000us, 3000us, 50000us);
    CAPTURE(delay.count());
    const auto witness = std::make_shared<int>(0);
    {
        asio::io_context context;
        asio::co_spawn(context, hold(site.connection_string(), witness), asio::detached);
        asio::co_spawn(context, hold_unconnected(witness), asio::detached);
        asio::co_spawn(context, hold_closed(site.connection_string(), witness), asio::detached);
        asio::co_spawn(context, hold_over(site.connection_string(), witness), asio::detached);
        asio::co_spawn(context, hold_nowhere(witness), asio::detached);
        context.run_for(delay);
    }
    CHECK(witness.use_count() == 1);
}

TEST_CASE("a client that never ran lets go of its handlers", "[lifetime]") {
    const auto witness = std::make_shared<int>(0);
    {
        asio::io_context context;
        Client client(context.get_executor(), "127.0.0.1:1");
        client.get("/", {}, [witness](error_code, const NodeData&) {});
        client.connected({}, [witness](error_code) {});
    }
    CHECK(witness.use_count() == 1);
}
