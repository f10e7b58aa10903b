// Configuration that follows a node: the value now, and each time that it changes.
#include "example.hpp"

#include <zabd/recipes/config_watch.hpp>

using namespace zabd::recipes;

asio::awaitable<void> configuration(Client& client) {
    co_await client.ensure_path("/examples/limits");
    co_await client.set("/examples/limits", "100 requests");

    ConfigWatch limits(client, "/examples/limits");
    std::cout << (co_await limits.next())->data << '\n';
    co_await client.set("/examples/limits", "200 requests");
    std::cout << (co_await limits.next())->data << '\n';
}

int main(int argc, char** argv) { return run_example(argc, argv, configuration); }
