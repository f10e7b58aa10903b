#include "tests/recipes/support.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <random>

namespace zabd::recipes::tests {

namespace {

std::string fresh_name() {
    std::random_device random;
    return fmt::format("/recipes-{:08x}{:08x}", random(), random());
}

}  // namespace

std::string servers() {
    const char* text = std::getenv("ZABD_CONNECT");
    if (text == nullptr) FAIL("set ZABD_CONNECT to the servers to test against, such as 127.0.0.1:2181");
    return text;
}

Site::Site() : chroot_(fresh_name()) {
    run([&]() -> asio::awaitable<void> {
        auto client = co_await Client::connect(servers());
        co_await client.ensure_path(chroot_);
        co_await client.close();
    });
}

std::string Site::connection_string() const { return connection_string_at(servers()); }

asio::awaitable<Client> Site::connect(client::Options options) const {
    co_return co_await Client::connect(connection_string(), std::move(options));
}

asio::awaitable<void> Site::expire(Client& client) const {
    const auto session = client.session();
    // The rightful owner may win its session back before the thief has closed it: then once more.
    while (client.session().id == session.id && client.state() != client::State::kLost) {
        client::Options options;
        options.session = session;
        options.renew_session = false;
        Client thief(co_await asio::this_coro::executor, connection_string(), options);
        const auto [failed] = co_await thief.connected(2s, as_value);
        if (!failed) co_await thief.close();
        co_await sleep_for(100ms);
    }
}

asio::awaitable<void> Tasks::join() {
    while (running_ > 0) {
        changed_.expires_at(Clock::time_point::max());
        co_await changed_.async_wait(as_value);
    }
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

asio::awaitable<void> sleep_for(Millis time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

bool run_out(asio::io_context& context, Millis limit) {
    context.run_for(limit);
    return context.stopped();
}

}  // namespace zabd::recipes::tests
