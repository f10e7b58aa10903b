// Work handed from one process to another: an entry stays until whoever claimed it says that it is done.
#include "example.hpp"

#include <zabd/recipes/queue.hpp>

using namespace zabd::recipes;

asio::awaitable<void> queueing(Client& client) {
    QueueProducer producer(client, "/examples/work");
    for (const auto* chore : {"sweep the floor", "feed the cat"}) {
        const Messages entry{chore};
        co_await producer.put(entry);
    }

    QueueConsumer consumer(client, "/examples/work");
    for (int i = 0; i < 2; ++i) {
        auto claim = co_await consumer.claim();
        std::cout << claim.messages().front() << '\n';
        co_await claim.done();
    }
}

int main(int argc, char** argv) { return run_example(argc, argv, queueing); }
