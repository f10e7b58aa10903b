// A watch is a value: one stream of all that happens at a path and below.
#include "example.hpp"

using namespace zabd::client;

asio::awaitable<void> watching(Client& client) {
    co_await client.ensure_path("/examples/watched");
    auto watch = co_await client.watch("/examples/watched", /*recursive=*/true);

    co_await client.create("/examples/watched/door", "closed");
    co_await client.set("/examples/watched/door", "open");
    co_await client.remove("/examples/watched/door");

    for (int i = 0; i < 3; ++i) {
        const Event event = co_await watch.next();
        std::cout << event.path << ' ' << name_of(event.type) << '\n';
    }
}

int main(int argc, char** argv) { return run_example(argc, argv, watching); }
