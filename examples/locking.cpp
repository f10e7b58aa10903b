// A lock whose holder cannot do harm when it wakes up too late: each write carries the grant.
#include "example.hpp"

#include <zabd/recipes/fence.hpp>
#include <zabd/recipes/lock.hpp>

using namespace zabd::recipes;

asio::awaitable<void> locking(Client& client) {
    co_await client.ensure_path("/examples/account");

    Lock lock(client, "/examples/account-lock");
    auto grant = co_await lock.acquire();
    std::cout << "held, the token grows with every grant: " << (grant.token().value > 0) << '\n';
    co_await fenced_set(client, grant, "/examples/account", "17");
    co_await grant.release();

    // What a holder that was paused past its session would do:
    try {
        co_await fenced_set(client, grant, "/examples/account", "0");
    } catch (const boost::system::system_error& error) {
        std::cout << "refused: " << error.code().message() << '\n';
    }
}

int main(int argc, char** argv) { return run_example(argc, argv, locking); }
