#include "tests/client/support.hpp"

#include <cstdlib>
#include <random>

namespace zabd::client::tests {

std::string server_address() {
    const char* text = std::getenv("ZABD_CONNECT");
    if (text == nullptr) FAIL("set ZABD_CONNECT to the server to test against, such as 127.0.0.1:2181");
    return text;
}

Site::Site() : chroot_("/client-" + std::to_string(std::random_device{}())) {
    run([&]() -> asio::awaitable<void> {
        auto client = co_await Client::connect(server_address());
        co_await client.create(chroot_);
        co_await client.close();
    });
}

asio::awaitable<void> sleep_for(Millis time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> eventually(std::function<bool()> predicate) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() > deadline) FAIL("did not come true in ten seconds");
        co_await sleep_for(2ms);
    }
}

asio::awaitable<void> lose_connection(Client& client) {
    auto watch = client.make_watch();
    client.drop_connection();
    const auto event = co_await watch.next();
    CHECK(event.state == State::kSuspended);
}

asio::awaitable<void> expect_node(Client& client, std::string path, bool there, std::source_location at) {
    const auto stat = co_await client.exists(path);
    INFO(at.file_name() << ":" << at.line());
    CHECK(stat.has_value() == there);
}

asio::awaitable<void> expect_data(Client& client, std::string path, std::string data, std::source_location at) {
    const auto node = co_await client.get(path);
    INFO(at.file_name() << ":" << at.line());
    CHECK(node.data == data);
}

asio::awaitable<Event> next_of_node(Watch& watch) {
    for (;;) {
        auto event = co_await watch.next();
        if (event.type != EventType::kState) co_return event;
    }
}

}  // namespace zabd::client::tests
