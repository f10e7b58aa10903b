// A registry of services: instances announce themselves for as long as they live, clients look them up.
//
// Layout    <base>/<service>/<id>, ephemeral, with the instance as JSON (service_instance.hpp). As Curator's service
//           discovery, whose instances may stand beside ours.
// Promises  an announced instance is a member of its service's group (group_membership.hpp): present as long as the
//           client has a session. Nodes that are no service instances are passed over.
// Failure   as group_membership.hpp.
// Lifetime  the client outlives all of these, and stays where it is.
#pragma once

#include "client/client.hpp"
#include "recipes/group_membership.hpp"
#include "recipes/service_instance.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::recipes {

using ServiceInstances = std::vector<ServiceInstance>;  // by id

/// One service's instances, and their changes.
class ServiceWatch {
public:
    ServiceWatch(client::Client& client, std::string_view base, std::string_view service);

    /// At once the first time; then when instances have come or gone.
    boost::asio::awaitable<ServiceInstances> next();

private:
    Group group_;
};

class ServiceRegistry {
public:
    ServiceRegistry(client::Client& client, std::string base) : client_(client), base_(std::move(base)) {}

    /// Announces the instance until what this gives is closed or destroyed; its established() waits until it is. Without
    /// an id or a time of registration it gets a random one, and the present. To change what it says of itself:
    /// set_data(to_json(instance)), with the same id.
    [[nodiscard]] PersistentEphemeral announce(ServiceInstance instance);

    /// Names of services, also of such that have no instance left.
    boost::asio::awaitable<std::vector<std::string>> services();
    boost::asio::awaitable<ServiceInstances> instances(std::string service);
    [[nodiscard]] ServiceWatch watch(std::string_view service) { return {client_, base_, service}; }

private:
    client::Client& client_;
    std::string base_;
};

}  // namespace zabd::recipes
