// The same operations for programs that know nothing of Asio: each call waits for its answer.
#include <zabd/client/blocking.hpp>

#include <chrono>
#include <iostream>

using namespace zabd::client;
using namespace std::chrono_literals;

int main(int argc, char** argv) try {
    BlockingClient client(argc > 1 ? argv[1] : "127.0.0.1:2181");
    client.ensure_path("/examples/jobs");
    auto watch = client.watch("/examples/jobs", /*recursive=*/true);

    const auto created = client.create("/examples/jobs/job-", "x", {.mode = CreateMode::kEphemeralSequential});
    if (const auto event = watch.next(5s)) std::cout << name_of(event->type) << '\n';
    std::cout << "jobs: " << client.children("/examples/jobs").names.size() << '\n';
    client.remove(created.path);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
