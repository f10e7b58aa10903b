#include "recipes/leader_latch.hpp"
#include "recipes/leader_selector.hpp"
#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/system_error.hpp>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace zabd::recipes::tests {
namespace {

using boost::system::system_error;

/// Runs a selector beside the test until it is told to stop.
class Running {
public:
    Running(asio::any_io_executor executor, LeaderSelector& selector) {
        asio::co_spawn(executor, selector.run(),
                       asio::bind_cancellation_slot(signal_.slot(), [this](std::exception_ptr failure) {
                           failure_ = failure;
                           ended_ = true;
                       }));
    }
    asio::awaitable<void> stop() {
        signal_.emit(asio::cancellation_type::terminal);
        co_await eventually([this] { return ended_; });
    }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::exception_ptr failure() const { return failure_; }

private:
    asio::cancellation_signal signal_;
    std::exception_ptr failure_;
    bool ended_ = false;
};

TEST_CASE("one of many leads, and the next when it resigns or its session ends", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto a = co_await site.connect();
        auto b = co_await site.connect();
        auto c = co_await site.connect();
        LeaderLatch first(a, "/leader", {.identifier = "a"});
        LeaderLatch second(b, "/leader", {.identifier = "b"});
        LeaderLatch third(c, "/leader", {.identifier = "c"});
        auto leadership = co_await first.lead();
        Grant next;
        Grant last;
        const auto stand = [](LeaderLatch& latch, Grant& grant) -> asio::awaitable<void> {
            grant = co_await latch.lead();
        };
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(stand(second, next));
        while ((co_await third.participants()).size() < 2) co_await sleep_for(2ms);
        tasks.start(stand(third, last));
        while ((co_await third.participants()).size() < 3) co_await sleep_for(2ms);

        auto participants = co_await third.participants();
        CHECK(participants.front().identifier == "a");
        CHECK_FALSE(next.perhaps_held());
        co_await leadership.release();
        co_await eventually([&] { return next.held(); });
        participants = co_await third.participants();
        CHECK(participants.front().identifier == "b");
        CHECK_FALSE(last.perhaps_held());
        co_await site.expire(b);
        co_await tasks.join();
        CHECK(next.state() == GrantState::kLost);
        CHECK(last.held());
        participants = co_await third.participants();
        CHECK(participants.size() == 1);
    });
}

TEST_CASE("who withdraws its candidacy is out of the queue", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        LeaderLatch latch(client, "/leader");
        auto leadership = co_await latch.lead();
        co_await expect(got(latch.lead_within(100ms)), false);
        while ((co_await latch.participants()).size() > 1) co_await sleep_for(2ms);
        CHECK(leadership.held());
    });
}

TEST_CASE("leaders take fair turns, never two at once", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        int leading = 0;
        bool crowded = false;
        std::vector<std::string> turns;
        std::vector<Client> clients;
        for (int i = 0; i < 3; ++i) clients.push_back(co_await site.connect());
        std::vector<std::unique_ptr<LeaderSelector>> selectors;
        std::vector<std::unique_ptr<Running>> running;
        for (const std::string name : {"a", "b", "c"}) {
            LeaderCallbacks callbacks;
            callbacks.on_started = [&, name](const Grant& grant) -> asio::awaitable<void> {
                crowded = crowded || ++leading > 1 || !grant.perhaps_held();
                turns.push_back(name);
                return sleep_for(3ms);
            };
            callbacks.on_stopped = [&] { --leading; };
            selectors.push_back(std::make_unique<LeaderSelector>(clients[selectors.size()], "/leader", callbacks));
            running.push_back(std::make_unique<Running>(executor, *selectors.back()));
        }
        co_await eventually([&] { return turns.size() >= 30; });
        for (auto& each : running) co_await each->stop();
        CHECK_FALSE(crowded);
        CHECK(leading == 0);
        std::map<std::string, int> counts;
        for (const auto& name : turns) ++counts[name];
        CHECK(counts.size() == 3);
        for (const auto& [name, count] : counts) CHECK(count >= 8);
    });
}

TEST_CASE("a turn ends when the grant is in doubt, and a new one is sought", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        std::vector<std::string> seen;
        LeaderCallbacks callbacks;
        callbacks.on_started = [&](const Grant&) -> asio::awaitable<void> {
            seen.push_back("started");
            return sleep_for(1h);
        };
        callbacks.on_stopped = [&] { seen.push_back("stopped"); };
        LeaderSelector selector(client, "/leader", callbacks);
        Running running(co_await asio::this_coro::executor, selector);
        co_await eventually([&] { return seen.size() == 1; });
        client.drop_connection();
        co_await eventually([&] { return seen.size() == 3; });
        co_await site.expire(client);
        co_await eventually([&] { return seen.size() >= 5; });
        co_await running.stop();
        const auto turns = seen.size() / 2;
        CHECK(seen.size() == 2 * turns);
        for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == (i % 2 == 0 ? "started" : "stopped"));
    });
}

TEST_CASE("a turn may go on while the grant is uncertain, if one wants that", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        int started = 0;
        int stopped = 0;
        LeaderCallbacks callbacks;
        callbacks.on_started = [&](const Grant&) -> asio::awaitable<void> {
            ++started;
            return sleep_for(1h);
        };
        callbacks.on_stopped = [&] { ++stopped; };
        callbacks.stop_when_uncertain = false;
        LeaderSelector selector(client, "/leader", callbacks);
        Running running(co_await asio::this_coro::executor, selector);
        co_await eventually([&] { return started == 1; });
        client.drop_connection();
        co_await sleep_for(100ms);
        co_await client.connected();
        CHECK(stopped == 0);
        co_await site.expire(client);
        co_await eventually([&] { return started == 2; });
        CHECK(stopped == 1);
        co_await running.stop();
        CHECK(stopped == 2);
    });
}

TEST_CASE("what a leader's callback throws ends the selector, after on_stopped", "[leader]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        bool stopped = false;
        LeaderCallbacks callbacks;
        callbacks.on_started = [](const Grant&) -> asio::awaitable<void> {
            co_await sleep_for(1ms);
            throw std::runtime_error("no good");
        };
        callbacks.on_stopped = [&] { stopped = true; };
        LeaderSelector selector(client, "/leader", callbacks);
        Running running(co_await asio::this_coro::executor, selector);
        co_await eventually([&] { return running.ended(); });
        CHECK(stopped);
        CHECK_THROWS_WITH(std::rethrow_exception(running.failure()), "no good");
        while (!(co_await selector.participants()).empty()) co_await sleep_for(2ms);
    });
}

}  // namespace
}  // namespace zabd::recipes::tests
