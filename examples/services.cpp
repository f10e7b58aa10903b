// A service announces itself for as long as it lives; who needs one looks it up.
#include "example.hpp"

#include <zabd/recipes/service_registry.hpp>

using namespace zabd::recipes;

asio::awaitable<void> services(Client& client) {
    ServiceRegistry registry(client, "/examples/services");
    {
        auto announced = registry.announce({.name = "thumbnails", .address = "10.0.0.7", .port = 8080});
        co_await announced.established();
        for (const auto& instance : co_await registry.instances("thumbnails")) {
            std::cout << instance.name << " at " << instance.address << ':' << instance.port.value_or(0) << '\n';
        }
        co_await announced.close();
    }
    std::cout << "instances left: " << (co_await registry.instances("thumbnails")).size() << '\n';
}

int main(int argc, char** argv) { return run_example(argc, argv, services); }
