// The client for threads without Asio: many threads at once, and what it refuses.
#include "client/blocking.hpp"

#include "tests/client/support.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace zabd::client;
using namespace zabd::client::tests;

namespace {

Errc code_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const boost::system::system_error& error) {
        return static_cast<Errc>(std::error_code(error.code()).value());
    }
    return Errc{0};
}

}  // namespace

TEST_CASE("each operation of the blocking client waits for its answer", "[blocking]") {
    const Site site;
    BlockingClient client(site.connection_string());
    CHECK(client.create("/a", "one").path == "/a");
    CHECK(client.get("/a").data == "one");
    CHECK(client.set("/a", "two", {.version = 0}).version == 1);
    CHECK(client.exists("/a")->version == 1);
    CHECK_FALSE(client.exists("/b"));
    client.ensure_path("/a/b/c");
    CHECK(client.children("/a").names == std::vector<std::string>{"b"});
    CHECK(client.count_descendants("/a") == 2);
    Multi multi;
    multi.check("/a", 1).remove("/a/b/c");
    CHECK(client.multi(multi).size() == 2);
    CHECK(code_of([&] { client.get("/none"); }) == Errc::kNoNode);
    CHECK(code_of([&] { client.multi(multi); }) == Errc::kNoNode);
}

TEST_CASE("a blocking watch gives events, and up when none comes", "[blocking]") {
    const Site site;
    BlockingClient client(site.connection_string());
    auto watch = client.watch("/", true);
    CHECK_FALSE(watch.next(10ms));
    client.create("/a");
    const auto event = watch.next(5s);
    REQUIRE(event);
    CHECK(event->path == "/a");
    CHECK(event->type == EventType::kCreated);
}

TEST_CASE("threads share a blocking client", "[blocking]") {
    constexpr int kThreads = 8;
    constexpr int kEach = 50;
    const Site site;
    BlockingClient client(site.connection_string());
    std::atomic<int> made = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < kEach; ++n) {
                client.create("/n-", "", {.mode = CreateMode::kPersistentSequential});
                ++made;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(made == kThreads * kEach);
    CHECK(client.children("/").names.size() == kThreads * kEach);
}

TEST_CASE("a blocking call on the client's own thread is refused", "[blocking]") {
    const Site site;
    BlockingClient client(site.connection_string());
    const auto call_from_within = [&]() -> asio::awaitable<void> {
        client.get("/");
        co_return;
    };
    CHECK_THROWS_AS(client.run(call_from_within()), std::logic_error);
}

TEST_CASE("a blocking client that cannot connect says so and leaves nothing behind", "[blocking]") {
    const Options options{.operation_timeout = 200ms};
    CHECK(code_of([&] { const BlockingClient client("127.0.0.1:1", options); }) == Errc::kOperationTimeout);
    CHECK(code_of([&] { const BlockingClient client("no:port:here", options); }) == Errc::kBadArguments);
}
