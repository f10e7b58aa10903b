#include "recipes/service_registry.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

namespace zabd::recipes::tests {

namespace {

asio::awaitable<void> until_count(ServiceWatch& watch, std::size_t count) {
    for (;;) {
        const auto instances = co_await watch.next();
        if (instances.size() == count) co_return;
    }
}

}  // namespace

TEST_CASE("an announced instance is found, and gone when it is closed", "[service_registry]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        ServiceRegistry registry(client, "/discovery");
        ServiceRegistry lookup(other, "/discovery");
        co_await expect(lookup.services(), std::vector<std::string>());

        ServiceInstance web{.name = "web", .id = "w1", .address = "10.0.0.1", .port = 80, .payload = R"({"zone":"a"})"};
        web.registered_ms = 1'700'000'000'000;
        auto announced = registry.announce(web);
        co_await announced.established();
        const std::vector<std::string> services{"web"};
        co_await expect(lookup.services(), services);
        const ServiceInstances instances{web};
        co_await expect(lookup.instances("web"), instances);

        web.port = 8080;
        co_await announced.set_data(to_json(web));
        const auto changed = co_await lookup.instances("web");
        CHECK(changed.at(0).port == 8080);
        co_await announced.close();
        co_await expect(lookup.instances("web"), ServiceInstances());
    });
}

TEST_CASE("who watches a service learns of its instances", "[service_registry]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        auto other = co_await site.connect();
        ServiceRegistry registry(client, "/discovery");
        auto watch = ServiceRegistry(other, "/discovery").watch("web");
        co_await expect(watch.next(), ServiceInstances());
        const ServiceInstance web{.name = "web", .address = "10.0.0.1"};
        auto one = registry.announce(web);
        auto two = registry.announce(web);  // another id
        co_await until_count(watch, 2);
        other.drop_connection();
        co_await two.close();
        co_await until_count(watch, 1);
        co_await site.expire(client);
        co_await until_count(watch, 1);
        co_await client.create("/discovery/web/stranger", "no JSON");
        co_await until_count(watch, 1);
        co_await one.close();
        co_await until_count(watch, 0);
    });
}

}  // namespace zabd::recipes::tests
