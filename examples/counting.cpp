// A number that many add to; no addition is lost, none is made twice.
#include "example.hpp"

#include <zabd/recipes/counter.hpp>

using namespace zabd::recipes;

asio::awaitable<void> counting(Client& client) {
    co_await client.ensure_path("/examples");
    Counter visitors(client, "/examples/visitors");
    const auto before = co_await visitors.get();
    for (int i = 0; i < 5; ++i) co_await visitors.add(1);
    std::cout << "came since: " << co_await visitors.get() - before << '\n';
}

int main(int argc, char** argv) { return run_example(argc, argv, counting); }
