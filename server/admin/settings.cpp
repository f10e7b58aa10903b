// The configuration in force, the log's level, and who is asking.
#include "server/admin/body.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/printable.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

namespace zabd::server::admin {
namespace {

using boost::asio::awaitable;
using net::HttpResponse;
using nlohmann::json;

struct Level {
    std::string_view name;
    spdlog::level::level_enum level;
};
constexpr std::array kLevels{
    Level{"trace", spdlog::level::trace}, Level{"debug", spdlog::level::debug}, Level{"info", spdlog::level::info},
    Level{"warn", spdlog::level::warn},   Level{"error", spdlog::level::err},   Level{"off", spdlog::level::off},
};
constexpr std::string_view kNotSettable = "off";  // nobody would learn of what goes wrong

json config_json(const Config& config) {
    auto settings = json::array();
    for (const auto& setting : config.settings) {
        settings.push_back({{"key", setting.key}, {"value", setting.value}, {"source", setting.source}});
    }
    return {{"file", config.file.string()}, {"settings", std::move(settings)}};
}

json level_json() {
    const auto level = std::ranges::find(kLevels, spdlog::get_level(), &Level::level);
    return {{"level", level == kLevels.end() ? std::string_view{"error"} : level->name}};
}

HttpResponse set_level(const Call& call) {
    try {
        Body body{call.request.body};
        const auto name = body.text("level");
        body.finish();
        const auto level = std::ranges::find(kLevels, name.value_or(""), &Level::name);
        if (level == kLevels.end() || level->name == kNotSettable) {
            throw BadRequest{"level has to be trace, debug, info, warn or error"};
        }
        spdlog::set_level(level->level);
        // Whatever the level: that it is another one is worth a line.
        spdlog::log(std::max(level->level, spdlog::level::info), "log level={} set by user={}", level->name,
                    printable(call.caller.user));
        return json_reply(level_json());
    } catch (const BadRequest& wrong) {
        return bad_request_reply(wrong);
    }
}

json caller_json(const Caller& caller, const AdminConfig& admin) {
    const bool is_operator = caller.role == Role::kOperator;
    return {{"role", is_operator ? "operator" : "reader"},
            {"user", caller.user},
            {"can_write", is_operator},
            {"credentials_configured", admin.has_credentials()}};
}

}  // namespace

void add_setting_routes(Router& router, Services& services) {
    const auto* config = &services.config;
    router.add({"GET", "/api/v1/config", Role::kReader,
                [config](Call) -> awaitable<HttpResponse> { co_return json_reply(config_json(*config)); }});
    router.add({"GET", "/api/v1/log-level", Role::kReader,
                [](Call) -> awaitable<HttpResponse> { co_return json_reply(level_json()); }});
    router.add({"PUT", "/api/v1/log-level", Role::kOperator,
                [](Call call) -> awaitable<HttpResponse> { co_return set_level(call); }});
    router.add({"GET", "/api/v1/whoami", Role::kReader, [config](Call call) -> awaitable<HttpResponse> {
                    co_return json_reply(caller_json(call.caller, config->admin));
                }});
}

}  // namespace zabd::server::admin
