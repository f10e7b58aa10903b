#include "recipes/service_registry.hpp"

#include "client/random_id.hpp"
#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

#include <algorithm>
#include <chrono>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

ServiceInstances parse_instances(const Group::Members& members) {
    ServiceInstances instances;
    for (const auto& [id, data] : members) {
        if (auto instance = parse_service_instance(data)) instances.push_back(*std::move(instance));
    }
    return instances;
}

}  // namespace

ServiceWatch::ServiceWatch(client::Client& client, std::string_view base, std::string_view service)
    : group_(client, child_of(base, service)) {}

asio::awaitable<ServiceInstances> ServiceWatch::next() {
    const auto members = co_await group_.next();
    co_return parse_instances(members);
}

PersistentEphemeral ServiceRegistry::announce(ServiceInstance instance) {
    if (instance.id.empty()) instance.id = client::random_id();
    if (instance.registered_ms == 0) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        instance.registered_ms = std::chrono::floor<client::Millis>(now).count();
    }
    return join_group(client_, child_of(base_, instance.name), instance.id, to_json(instance));
}

asio::awaitable<std::vector<std::string>> ServiceRegistry::services() {
    auto [error, children] = co_await client_.children(base_, {.linearizable = true}, as_value);
    if (error != client::Errc::kNoNode) throw_if(error);
    std::ranges::sort(children.names);
    co_return std::move(children.names);
}

asio::awaitable<ServiceInstances> ServiceRegistry::instances(std::string service) {
    Group group(client_, child_of(base_, service));
    const auto members = co_await group.members();
    co_return parse_instances(members);
}

}  // namespace zabd::recipes
