#include "recipes/queue.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <vector>

namespace zabd::recipes::tests {

using client::Errc;
using std::chrono::system_clock;

namespace {

using Tally = std::map<std::string, int>;  // how often each message came

std::string message_of(int producer, int number) { return fmt::format("{}:{}", producer, number); }

asio::awaitable<void> produce(Client& client, int producer, int count) {
    QueueProducer queue(client, "/queue");
    for (int i = 0; i < count; ++i) {
        const Messages messages{message_of(producer, i)};
        co_await queue.put(messages);
    }
}

asio::awaitable<void> take_all(Client& client, Tally& tally, std::size_t all) {
    QueueConsumer queue(client, "/queue");
    while (tally.size() < all) {
        const auto messages = co_await queue.take_for(100ms);
        if (messages) ++tally[messages->front()];
    }
}

/// As one whose connection is bad, and who tries again whatever fails.
asio::awaitable<void> claim_all(Client& client, Tally& tally, std::size_t all) {
    QueueConsumer queue(client, "/queue");
    for (int round = 1; tally.size() < all; ++round) {
        auto claim = co_await queue.claim_for(100ms);
        if (!claim) continue;
        if (round % 4 == 0) client.drop_connection();
        if (round % 7 == 0) continue;  // given back
        const auto message = claim->messages().front();
        if (co_await claim->done()) ++tally[message];
    }
}

asio::awaitable<std::string> take_one(QueueConsumer& queue) {
    const auto messages = co_await queue.take();
    REQUIRE(messages.size() == 1);
    co_return messages.front();
}

}  // namespace

TEST_CASE("a plain queue gives entries in order", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        QueueConsumer queue(client, "/queue");
        co_await expect(queue.take_for(50ms), std::nullopt);
        co_await produce(client, 1, 20);
        for (int i = 0; i < 20; ++i) co_await expect(take_one(queue), message_of(1, i));
        const auto left = co_await client.children("/queue");
        CHECK(left.names.empty());
    });
}

TEST_CASE("an entry looks as Curator's do", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        QueueProducer queue(client, "/queue");
        const Messages messages{"ab", ""};
        co_await expect(queue.put(messages), "queue-0000000000");
        co_await expect(queue.put_with_priority(messages, -2), "queue-0FFFFFFFE0000000001");
        const system_clock::time_point due{Millis{0x18bcfe56800}};
        co_await expect(queue.put_delayed(messages, due), "queue-|18BCFE56800|0000000002");
        const auto node = co_await client.get("/queue/queue-0000000000");
        const std::string form(
            "\0\1\0\1"
            "\1\0\0\0\2ab"
            "\1\0\0\0\0"
            "\2",
            17);
        CHECK(node.data == form);

        co_await client.create("/queue/queue-0000000009", "not ours");
        QueueConsumer consumer(client, "/queue");
        co_await expect(consumer.take(), messages);
        co_await expect(take_one(consumer), "not ours");
        co_await expect(consumer.take_for(20ms), std::nullopt);
    });
}

TEST_CASE("each of many entries is taken once by one of many consumers", "[queue]") {
    constexpr int kProducers = 4;
    constexpr int kEach = 50;
    const Site site;
    run([&]() -> asio::awaitable<void> {
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 3; ++i) {
            auto client = co_await site.connect();
            clients.push_back(std::make_unique<Client>(std::move(client)));
        }
        Tally tally;
        Tasks tasks(co_await asio::this_coro::executor);
        for (int i = 0; i < 6; ++i) tasks.start(take_all(*clients[i % 3], tally, kProducers * kEach));
        for (int i = 0; i < kProducers; ++i) tasks.start(produce(*clients[i % 3], i, kEach));
        co_await tasks.join();
        CHECK(tally.size() == kProducers * kEach);
        for (const auto& [message, times] : tally) CHECK(times == 1);
    });
}

TEST_CASE("an idle consumer misses no entry", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        QueueConsumer queue(client, "/queue");
        QueueProducer producer(other, "/queue");
        Tasks tasks(co_await asio::this_coro::executor);
        for (int round = 0; round < 30; ++round) {
            CAPTURE(round);
            std::string got;
            tasks.start([&]() -> asio::awaitable<void> { got = co_await take_one(queue); });
            if (round % 3 == 1) co_await sleep_for(3ms);
            if (round % 10 == 9) client.drop_connection();
            if (round == 20) co_await site.expire(client);
            const Messages messages{std::to_string(round)};
            co_await producer.put(messages);
            co_await tasks.join();
            CHECK(got == std::to_string(round));
        }
    });
}

TEST_CASE("lower priorities come first, equal ones in order", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        QueueProducer producer(client, "/queue");
        for (const int priority : {5, -1, 5, 0, 2'000'000'000, -2'000'000'000}) {
            const Messages messages{std::to_string(priority)};
            co_await producer.put_with_priority(messages, priority);
        }
        QueueConsumer queue(client, "/queue", {.form = QueueForm::kPriority});
        co_await expect(take_one(queue), "-2000000000");
        const Messages urgent{"urgent"};
        co_await producer.put_with_priority(urgent, -7);
        co_await expect(take_one(queue), "urgent");
        for (const auto* expected : {"-1", "0", "5", "5", "2000000000"}) co_await expect(take_one(queue), expected);
    });
}

TEST_CASE("no entry is taken before it is due", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        QueueProducer producer(client, "/queue");
        QueueConsumer queue(client, "/queue", {.form = QueueForm::kDelay});
        const auto now = system_clock::now();
        const Messages late{"late"};
        const Messages soon{"soon"};
        co_await producer.put_delayed(late, now + 300ms);
        co_await expect(queue.take_for(20ms), std::nullopt);
        co_await producer.put_delayed(soon, now + 150ms);
        co_await expect(take_one(queue), "soon");
        CHECK(system_clock::now() >= now + 150ms);
        co_await expect(take_one(queue), "late");
        CHECK(system_clock::now() >= now + 300ms);
    });
}

TEST_CASE("a claimed entry is nobody else's until it is given back", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        co_await produce(client, 1, 1);
        QueueConsumer queue(client, "/queue");
        QueueConsumer same_session(client, "/queue");
        QueueConsumer another(other, "/queue");
        auto claim = co_await queue.claim();
        co_await expect(same_session.claim_for(30ms), std::nullopt);
        co_await expect(another.claim_for(30ms), std::nullopt);

        // The one who waits is woken although the entries have not changed.
        Tasks tasks(co_await asio::this_coro::executor);
        bool done = false;
        tasks.start([&]() -> asio::awaitable<void> {
            auto second = co_await another.claim();
            CHECK(second.messages().front() == message_of(1, 0));
            done = co_await second.done();
        });
        co_await sleep_for(20ms);
        co_await claim.give_back();
        co_await tasks.join();
        CHECK(done);
        const auto entries = co_await client.children("/queue");
        CHECK(entries.names.empty());
        const auto locks = co_await client.children("/queue-locks");
        CHECK(locks.names.empty());
    });
}

TEST_CASE("a claim whose session ends goes to another, and says so", "[queue]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto doomed = co_await site.connect();
        auto client = co_await site.connect();
        co_await produce(client, 1, 1);
        QueueConsumer queue(doomed, "/queue");
        QueueConsumer another(client, "/queue");
        auto lost = co_await queue.claim();
        Tasks tasks(co_await asio::this_coro::executor);
        bool done = false;
        tasks.start([&]() -> asio::awaitable<void> {
            auto claim = co_await another.claim();
            co_await expect(lost.done(), false);
            done = co_await claim.done();
        });
        co_await sleep_for(20ms);
        co_await site.expire(doomed);
        co_await doomed.connected();
        co_await tasks.join();
        CHECK(done);
    });
}

TEST_CASE("claims lose nothing over bad connections", "[queue]") {
    constexpr int kEntries = 60;
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto producer = co_await site.connect();
        const client::Options hasty{.backoff_min = 1ms, .backoff_max = 20ms};
        auto one = co_await site.connect(hasty);
        auto two = co_await site.connect(hasty);
        Tally tally;
        Tasks tasks(co_await asio::this_coro::executor);
        tasks.start(claim_all(one, tally, kEntries));
        tasks.start(claim_all(two, tally, kEntries));
        tasks.start(produce(producer, 1, kEntries));
        co_await tasks.join();
        CHECK(tally.size() == kEntries);
        for (const auto& [message, times] : tally) CHECK(times == 1);  // no session has ended
    });
}

}  // namespace zabd::recipes::tests
