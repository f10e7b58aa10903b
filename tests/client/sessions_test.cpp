// Sessions on a live server: lost connections, taking over, expiry, closing.
#include "tests/client/proxy.hpp"
#include "tests/client/support.hpp"

#include <limits>
#include <optional>

using namespace zabd::client;
using namespace zabd::client::tests;

namespace {

/// Ends a client's session as an expiry does: another client takes it over and closes it.
asio::awaitable<void> expire(const Site& site, Client& client) {
    const auto executor = co_await asio::this_coro::executor;
    Client thief(executor, site.connection_string(), {.session = client.session()});
    co_await thief.connected();
    co_await thief.close();
}

}  // namespace

TEST_CASE("a lost connection is made again, with the same session", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        const auto session = client.session();
        co_await client.create("/e", "", {.mode = CreateMode::kEphemeral});
        for (int i = 0; i < 3; ++i) {
            co_await lose_connection(client);
            CHECK(client.server().empty());
            co_await expect_node(client, "/e");
            CHECK(client.session().id == session.id);
            CHECK(client.server() == server_address());
        }
        CHECK(client.session_deadline() > std::chrono::steady_clock::now());
        CHECK(client.last_zxid().value != 0);
    });
}

TEST_CASE("what was under way when the connection broke is told apart", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Proxy proxy(executor, server_address(), [] { return std::numeric_limits<std::size_t>::max(); });
        auto client = co_await Client::connect(site.connection_string_at(proxy.address()));
        proxy.be_silent(true);
        std::error_code write;
        std::error_code read = Errc::kSystemError;
        client.create("/a", "", {}, [&](boost::system::error_code error, const Created&) { write = error; });
        client.get("/", {}, [&](boost::system::error_code error, const NodeData&) { read = error; });
        co_await sleep_for(50ms);
        client.drop_connection();
        co_await eventually([&] { return write == Errc::kConnectionLoss; });
        CHECK(read == Errc::kSystemError);
        CHECK(may_have_been_applied(write));
        proxy.be_silent(false);
        co_await eventually([&] { return !read; });
    });
}

TEST_CASE("a session is taken over with its password, by nobody without", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Session session;
        {
            auto first = co_await site.connect();
            co_await first.create("/e", "", {.mode = CreateMode::kEphemeral});
            session = first.session();
        }  // drops the connection only
        auto forged = session;
        forged.password[0] = static_cast<char>(forged.password[0] + 1);
        Client stranger(executor, site.connection_string(), {.session = forged, .renew_session = false});
        co_await expect(Errc::kSessionExpired, stranger.connected());
        CHECK(stranger.state() == State::kLost);

        const Options options{.session = session};  // within the co_await, g++ 12 would destroy it twice
        auto second = co_await site.connect(options);
        CHECK(second.session().id == session.id);
        const auto stat = co_await second.exists("/e");
        REQUIRE(stat);
        CHECK(stat->ephemeral_owner == static_cast<std::int64_t>(session.id));
        co_await second.close();
        auto third = co_await site.connect();
        co_await expect_node(third, "/e", false);
    });
}

TEST_CASE("an expired session is renewed, and everybody told", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        const auto old = client.session().id;
        co_await client.create("/e", "", {.mode = CreateMode::kEphemeral});
        auto watch = client.make_watch();
        auto tree = co_await client.watch("/", true);
        co_await expire(site, client);
        for (auto state = State::kConnected; state != State::kLost;) state = (co_await watch.next()).state;
        co_await client.connected();
        CHECK(client.session().id != old);
        co_await expect_node(client, "/e", false);
        co_await client.create("/after");
        for (std::string path; path != "/after";) path = (co_await next_of_node(tree)).path;
    });
}

TEST_CASE("without renewal the end of the session is the client's", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect({.renew_session = false});
        auto watch = client.make_watch();
        co_await expire(site, client);
        for (auto state = State::kConnected; state != State::kLost;) state = (co_await watch.next()).state;
        co_await expect(Errc::kSessionExpired, client.get("/"));
        co_await expect(Errc::kSessionExpired, client.connected());
        co_await client.close();
        CHECK(client.state() == State::kClosed);
    });
}

TEST_CASE("closing ends the session and all that waits", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto other = co_await site.connect();
        auto client = co_await site.connect();
        co_await client.create("/e", "", {.mode = CreateMode::kEphemeral});
        std::error_code end;
        client.get("/", {}, [&](boost::system::error_code error, const NodeData&) { end = error; });
        co_await client.close();
        CHECK(end == Errc::kClosed);
        co_await expect_node(other, "/e", false);
        co_await expect(Errc::kClosed, client.get("/"));
        co_await expect(Errc::kClosed, client.connected());
        co_await client.close();
    });
}

TEST_CASE("a client may be closed before it is connected", "[sessions]") {
    const Site site;
    const auto delay = GENERATE(0us, 100us, 300us, 600us, 1000us, 2000us, 5000us);
    run([&]() -> asio::awaitable<void> {
        Client client(co_await asio::this_coro::executor, site.connection_string());
        asio::steady_timer timer(co_await asio::this_coro::executor, delay);
        co_await timer.async_wait(asio::use_awaitable);
        co_await client.close();
        CHECK(client.state() == State::kClosed);
    });
}

TEST_CASE("the client goes on to the next server when one does not answer", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Proxy silent(executor, server_address(), [] { return std::numeric_limits<std::size_t>::max(); });
        silent.be_silent(true);
        const auto servers = "127.0.0.1:1," + silent.address() + "," + site.connection_string();
        auto client = co_await Client::connect(servers, {.connect_timeout = 100ms, .shuffle_hosts = false});
        CHECK(client.server() == server_address());
        CHECK(silent.connections_so_far() == 1);
    });
}

TEST_CASE("a silent server is left for the session's sake", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Proxy proxy(executor, server_address(), [] { return std::numeric_limits<std::size_t>::max(); });
        auto client = co_await Client::connect(site.connection_string_at(proxy.address()), {.session_timeout = 100ms});
        auto watch = client.make_watch();
        proxy.be_silent(true);
        const auto start = std::chrono::steady_clock::now();
        const auto event = co_await watch.next();
        CHECK(event.state == State::kSuspended);
        CHECK(std::chrono::steady_clock::now() - start <= client.session_timeout());
        CHECK(client.session_deadline() > std::chrono::steady_clock::now());
        proxy.be_silent(false);
        co_await client.connected();
    });
}

TEST_CASE("a reply above the limit breaks the connection, and is not asked for without pause", "[sessions]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        auto writer = co_await site.connect();
        co_await writer.create("/large", std::string(10'000, 'x'));
        Proxy proxy(executor, server_address(), [] { return std::numeric_limits<std::size_t>::max(); });
        auto client = co_await Client::connect(site.connection_string_at(proxy.address()), {.reply_bytes_max = 5'000});
        const auto error = co_await error_of(client.get("/large", {.timeout = 1s}));
        CHECK((error == Errc::kOperationTimeout || error == Errc::kNotSent));
        CHECK(proxy.connections_so_far() < 20);
        co_await expect_node(client, "/large");
    });
}
