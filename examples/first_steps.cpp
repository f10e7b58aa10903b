// A node's life: made, read, changed under a version check, deleted.
#include "example.hpp"

using zabd::client::Errc;

asio::awaitable<void> first_steps(Client& client) {
    co_await client.ensure_path("/examples");
    const auto created = co_await client.create("/examples/greeting", "hello");
    std::cout << "made " << created.path << '\n';

    const auto [data, stat] = co_await client.get("/examples/greeting");
    std::cout << data << ", version " << stat.version << '\n';

    co_await client.set("/examples/greeting", "good evening", {.version = stat.version});
    try {
        co_await client.set("/examples/greeting", "too late", {.version = stat.version});
    } catch (const boost::system::system_error& error) {
        std::cout << "refused: " << (error.code() == Errc::kBadVersion ? "somebody was faster" : error.what()) << '\n';
    }

    co_await client.remove("/examples/greeting");
    const auto gone = co_await client.exists("/examples/greeting");
    std::cout << (gone ? "still there" : "gone") << '\n';
}

int main(int argc, char** argv) { return run_example(argc, argv, first_steps); }
