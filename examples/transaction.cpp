// Several writes as one: money is moved, or nothing happens.
#include "example.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace zabd::client;

asio::awaitable<void> transaction(Client& client) {
    co_await client.ensure_path("/examples/alice");
    co_await client.ensure_path("/examples/bob");
    co_await client.set("/examples/alice", "10");
    const auto bob = co_await client.set("/examples/bob", "0");

    Multi move;
    move.set("/examples/alice", "7").set("/examples/bob", "3", bob.version);
    co_await client.multi(move);
    std::cout << "bob has " << (co_await client.get("/examples/bob")).data << '\n';

    // The same once more: bob's version is another now, so alice keeps what she has.
    const auto [error, results] = co_await client.multi(move, {}, asio::as_tuple(asio::use_awaitable));
    std::cout << error.message() << "; alice has " << (co_await client.get("/examples/alice")).data << '\n';
}

int main(int argc, char** argv) { return run_example(argc, argv, transaction); }
