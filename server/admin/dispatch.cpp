#include "server/admin/dispatch.hpp"

#include "server/admin/reply.hpp"
#include "server/config_values.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable);

// What the page does not say for itself; API responses are no pages at all.
constexpr std::pair<std::string_view, std::string_view> kCommonHeaders[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
};

Instant monotonic_now() {
    return Instant{std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch())};
}

bool has_header(const net::HttpResponse& response, std::string_view name) {
    return std::ranges::any_of(response.headers, [&](const auto& header) {
        return std::ranges::equal(header.first, name,
                                  [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
    });
}

net::HttpResponse no_such_route(const std::vector<std::string>& allowed) {
    if (allowed.empty()) return error_reply(404, "NotFound", "there is nothing at this path");
    auto response = error_reply(405, "MethodNotAllowed", "this method is not for this path");
    response.headers.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
    return response;
}

asio::awaitable<net::HttpResponse> refuse(Refused refused) {
    if (refused.delay.count() > 0) {
        asio::steady_timer timer{co_await asio::this_coro::executor, refused.delay};
        co_await timer.async_wait(kAsValue);
    }
    co_return std::move(refused.response);
}

asio::awaitable<net::HttpResponse> answer(const Router& router, Access& access, net::HttpRequest request) {
    if (auto refused = access.turned_away(request)) co_return std::move(refused->response);
    auto found = router.find(request.method, request.path);
    if (found.route == nullptr) co_return no_such_route(found.allowed);
    auto decision = access.caller_of(request, found.route->needs, monotonic_now());
    if (auto* refused = std::get_if<Refused>(&decision)) {
        auto task = refuse(std::move(*refused));
        co_return co_await std::move(task);
    }
    Call call{
        .request = std::move(request), .caller = std::get<Caller>(std::move(decision)), .rest = std::move(found.rest)};
    auto task = found.route->handler(std::move(call));
    co_return co_await std::move(task);
}

}  // namespace

void add_common_headers(net::HttpResponse& response) {
    for (const auto& [name, value] : kCommonHeaders) {
        if (!has_header(response, name)) response.headers.emplace_back(name, value);
    }
}

asio::awaitable<net::HttpResponse> dispatch(const Router& router, Access& access, net::HttpRequest request) {
    auto task = answer(router, access, std::move(request));
    auto response = co_await std::move(task);
    add_common_headers(response);
    co_return response;
}

}  // namespace zabd::server::admin
