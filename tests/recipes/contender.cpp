// One that contends together with programs of other libraries, and looks whether it is alone when its turn has come.
//
//     contender SERVERS BASE FLAVOR KIND LIMIT TURNS
//
// Contends TURNS times for the recipe at BASE/recipe. KIND is lock, read, write, semaphore or latch; FLAVOR is curator
// or kazoo. Each turn it puts a node of its own into BASE/inside and counts those that it finds there: with itself at
// most LIMIT. Readers bear other readers, and do not count. Broken connections do not end it. Prints `turns=T
// crowded=C`, C turns being those that found too many.
#include "client/client.hpp"
#include "recipes/leader_latch.hpp"
#include "recipes/rw_lock.hpp"
#include "recipes/semaphore.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace zabd::recipes {
namespace {

namespace asio = boost::asio;
using client::Client;

struct Order {
    std::string servers;
    std::string base;
    Flavor flavor{};
    std::string kind;
    std::ptrdiff_t limit = 1;
    int turns = 0;
};

/// True if there are more inside than may be.
asio::awaitable<bool> stay_inside(Client& client, const Order& order) {
    const bool reads = order.kind == "read";
    const ContestOptions options;
    auto own = co_await create_own(client, order.base + "/inside", reads ? "r-" : "w-", options,
                                   client::CreateMode::kEphemeralSequential);
    const auto children = co_await client.children(order.base + "/inside");
    const auto writes = [](const std::string& name) { return name.find("w-") != std::string::npos; };
    const auto writers = std::ranges::count_if(children.names, writes);
    co_await own.remove();
    if (reads) co_return writers > 0;
    co_return writers > order.limit || std::cmp_not_equal(writers, children.names.size());
}

asio::awaitable<void> contend(Order order) {
    auto client = co_await Client::connect(order.servers);
    const auto path = order.base + "/recipe";
    const ContestOptions options{.flavor = order.flavor};
    Lock lock(client, path, options);
    ReadWriteLock read_write_lock(client, path, options);
    Semaphore semaphore(client, path, static_cast<std::size_t>(order.limit), options);
    LeaderLatch latch(client, path, options);
    const auto acquire = [&]() -> asio::awaitable<Grant> {
        if (order.kind == "read") return read_write_lock.read().acquire();
        if (order.kind == "write") return read_write_lock.write().acquire();
        if (order.kind == "semaphore") return semaphore.acquire();
        if (order.kind == "latch") return latch.lead();
        return lock.acquire();
    };
    int crowded = 0;
    for (int i = 0; i < order.turns; ++i) {
        auto grant = co_await acquire();
        crowded += co_await stay_inside(client, order);
        co_await grant.release();
    }
    co_await client.close();
    fmt::print("turns={} crowded={}\n", order.turns, crowded);
}

}  // namespace
}  // namespace zabd::recipes

int main(int count, char** words) {
    using namespace zabd::recipes;
    if (count != 7) {
        fmt::print(stderr, "usage: contender SERVERS BASE FLAVOR KIND LIMIT TURNS\n");
        return 2;
    }
    const Order order{.servers = words[1],
                      .base = words[2],
                      .flavor = words[3] == std::string("kazoo") ? Flavor::kKazoo : Flavor::kCurator,
                      .kind = words[4],
                      .limit = std::stol(words[5]),
                      .turns = std::stoi(words[6])};
    boost::asio::io_context context(1);
    boost::asio::co_spawn(context, contend(order), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    try {
        context.run();
    } catch (const std::exception& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        return 1;
    }
    return 0;
}
