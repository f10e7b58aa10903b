// /api/v1/openapi.json: what can be asked, told by the server itself. Kept by hand (openapi.json), as it promises what
// the code must keep; a test holds both together.
#include "server/admin/openapi_json.hpp"
#include "server/admin/services.hpp"
#include "server/version.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace zabd::server::admin {
namespace {

using json = nlohmann::ordered_json;  // as it was written

constexpr std::string_view kCommands = "/commands";  // as the document names what admin.commandURL may move

json document(const Router& router, const Config& config) {
    auto described = json::parse(openapi_json());
    described["info"]["version"] = zabd_version();
    auto paths = json::object();
    for (const auto& [path, operations] : described["paths"].items()) {
        const bool moved = path == kCommands || path.starts_with(std::string(kCommands) + "/");
        paths[moved ? config.admin.command_url + path.substr(kCommands.size()) : path] = operations;
    }
    described["paths"] = std::move(paths);
    auto& routes = described["x-routes"] = json::array();  // what there really is
    for (const auto& route : router.routes()) routes.push_back({{"method", route.method}, {"pattern", route.pattern}});
    return described;
}

}  // namespace

void add_openapi_routes(Router& router, Services& services) {
    router.add({.method = "GET",
                .pattern = "/api/v1/openapi.json",
                .needs = Role::kReader,
                .handler = [&router, &config = services.config](Call) -> boost::asio::awaitable<net::HttpResponse> {
                    net::HttpResponse response;
                    response.body = document(router, config).dump(2) + "\n";
                    co_return response;
                }});
}

}  // namespace zabd::server::admin
