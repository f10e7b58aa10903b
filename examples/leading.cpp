// Two candidates, one leader; when it resigns, the other one leads.
#include "example.hpp"

#include <zabd/recipes/leader_latch.hpp>

using namespace zabd::recipes;

asio::awaitable<void> leading(Client& client) {
    LeaderLatch first(client, "/examples/leader", {.identifier = "first"});
    LeaderLatch second(client, "/examples/leader", {.identifier = "second"});

    auto leadership = co_await first.lead();
    std::cout << "leads: " << (co_await first.participants()).front().identifier << '\n';
    co_await leadership.release();

    leadership = co_await second.lead();
    std::cout << "leads: " << (co_await second.participants()).front().identifier << '\n';
    co_await leadership.release();
}

int main(int argc, char** argv) { return run_example(argc, argv, leading); }
