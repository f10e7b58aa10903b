// /livez: is it worth waiting for this process? /readyz: shall clients be sent here?
//
// Live      the io thread answers within kAnswerMax. A server without a quorum is live: restarting it would help nobody.
// Ready     it serves requests, and its disk has room for another segment of the log.
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using net::HttpResponse;
using nlohmann::json;

constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAnswerMax{2000};

/// Feels whether the io thread is alive. However many ask, at most one question of it waits at the desk.
class Pulse : public std::enable_shared_from_this<Pulse> {
public:
    explicit Pulse(Services& services) : services_(services) {}

    /// nullopt: none came in time.
    awaitable<std::optional<core::Status>> feel() {
        asio::steady_timer timer{services_.io, kAnswerMax};
        std::optional<core::Status> status;
        Waiting waiting{.timer = timer, .status = status};
        waiting_.insert(&waiting);
        if (!std::exchange(asking_, true)) ask();
        co_await timer.async_wait(kAsValue);
        waiting_.erase(&waiting);
        co_return status;
    }

private:
    struct Waiting {
        asio::steady_timer& timer;
        std::optional<core::Status>& status;
    };

    void ask() {
        services_.desk.ask([self = shared_from_this(), executor = services_.io.get_executor()](Inside& inside) {
            asio::post(executor, [self, status = inside.core().status()] { self->take(status); });
        });
    }

    void take(const core::Status& status) {
        asking_ = false;
        for (auto* waiting : waiting_) {
            waiting->status = status;
            waiting->timer.cancel();
        }
        waiting_.clear();
    }

    Services& services_;
    bool asking_ = false;
    std::set<Waiting*> waiting_;
};

struct Check {
    const char* name;
    bool ok = false;
    std::string reason;
};

HttpResponse health_reply(const std::vector<Check>& checks) {
    bool ok = true;
    auto list = json::array();
    for (const auto& check : checks) {
        ok = ok && check.ok;
        list.push_back({{"name", check.name}, {"ok", check.ok}, {"reason", check.reason}});
    }
    return json_reply({{"status", ok ? "ok" : "fail"}, {"checks", std::move(list)}}, ok ? 200 : 503);
}

Check answers_check(const std::optional<core::Status>& status) {
    if (status) return {.name = "answers", .ok = true, .reason = "the server's io thread answers"};
    return {.name = "answers",
            .ok = false,
            .reason = fmt::format("the server's io thread has not answered for {} ms", kAnswerMax.count())};
}

Check serving_check(const core::Status& status) {
    using enum core::ServerState;
    const bool looking = status.state == kLooking;
    if (status.serving && !looking && status.state != kReadOnly) {
        return {.name = "serving", .ok = true, .reason = "clients' requests are answered"};
    }
    if (status.state == kReadOnly) {
        return {.name = "serving", .ok = false, .reason = "cut off from its quorum: only read-only clients are served"};
    }
    return {.name = "serving",
            .ok = false,
            .reason = looking ? "there is no leader: it looks for one" : "it is not up to date with its leader yet"};
}

/// By the file system: room for a segment is what the next one takes, and what a checkpoint may need to grow.
Check disk_check(const Config& config) {
    std::error_code error;
    const auto space = std::filesystem::space(config.log_dir, error);
    if (error) return {.name = "disk", .ok = false, .reason = "the log's directory: " + error.message()};
    const bool room = space.available >= config.log_segment_bytes;
    return {.name = "disk",
            .ok = room,
            .reason = fmt::format("{} MiB are free, {} a segment of the log takes {} MiB", space.available >> 20,
                                  room ? "and" : "but", config.log_segment_bytes >> 20)};
}

awaitable<HttpResponse> live(std::shared_ptr<Pulse> pulse) {
    auto task = pulse->feel();
    const auto status = co_await std::move(task);
    const std::vector<Check> checks{answers_check(status)};
    co_return health_reply(checks);
}

awaitable<HttpResponse> ready(std::shared_ptr<Pulse> pulse, const Config* config) {
    auto task = pulse->feel();
    const auto status = co_await std::move(task);
    std::vector<Check> checks{answers_check(status)};
    if (status) checks.push_back(serving_check(*status));
    checks.push_back(disk_check(*config));
    co_return health_reply(checks);
}

}  // namespace

void add_health_routes(Router& router, Services& services) {
    auto pulse = std::make_shared<Pulse>(services);
    const auto* config = &services.config;
    router.add({"GET", "/livez", Role::kNobody, [pulse](const Call&) { return live(pulse); }});
    router.add({"GET", "/readyz", Role::kNobody, [pulse, config](const Call&) { return ready(pulse, config); }});
}

}  // namespace zabd::server::admin
