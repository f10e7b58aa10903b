// Watches of this server's connections, by path or by session.
#include "server/admin/ask.hpp"
#include "server/admin/body.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/sessions.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t kPageDefault = 100;
constexpr std::int64_t kPageMax = 1000;
constexpr std::size_t kSlice = 500;               // that one question looks at
constexpr std::size_t kLookedAtMax = 200'000;     // by one call
constexpr std::size_t kWatchersListedMax = 1000;  // of one path

struct Wanted {
    bool by_path = true;
    std::size_t limit = 0;
    std::string below = "/";
    std::optional<SessionId> session;
    std::string cursor;
};

Wanted wanted_of(const Call& call) {
    Parameters parameters(call.request);
    Wanted wanted;
    const auto by = parameters.text("by").value_or("path");
    if (by != "path" && by != "session") throw BadRequest{"the parameter by is neither path nor session"};
    wanted.by_path = by == "path";
    wanted.limit = static_cast<std::size_t>(parameters.number("limit", 1, kPageMax).value_or(kPageDefault));
    wanted.below = parameters.text("below").value_or("/");
    wanted.cursor = parameters.text("cursor").value_or("");
    if (const auto session = parameters.text("session")) {
        const auto id = parse_hex(*session);
        if (!id) throw BadRequest{"the parameter session is not an id like 0x1a2b"};
        wanted.session = SessionId{static_cast<std::int64_t>(*id)};
    }
    parameters.finish();
    return wanted;
}

bool is_below(std::string_view path, std::string_view top) {
    if (top == "/") return true;
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

bool asked_for(const Wanted& wanted, const core::WatchView& watch) {
    return is_below(watch.path, wanted.below) && (!wanted.session || watch.session == *wanted.session);
}

json json_of(const std::vector<znode::WatchKind>& kinds) {
    auto names = json::array();
    for (const auto kind : kinds) names.push_back(name_of(kind));
    return names;
}

asio::awaitable<core::WatchesAnswer> look_at(Desk& desk, core::WatchCursor from, std::size_t max) {
    auto question = [from, max](Inside& inside) { return inside.core().watches_page(from, max); };
    co_return co_await ask(desk, std::move(question));
}

/// From where the session's are; nullopt: it has none here.
asio::awaitable<std::optional<core::WatchCursor>> start_of(Desk& desk, const Wanted& wanted) {
    if (!wanted.session) co_return core::WatchCursor{};
    auto question = [id = *wanted.session](Inside& inside) -> std::optional<core::WatchCursor> {
        const auto session = inside.core().session(id);
        if (!session || !session->connection) return std::nullopt;
        return core::WatchCursor{.connection = *session->connection};
    };
    co_return co_await ask(desk, std::move(question));
}

// --- by path ---------------------------------------------------------------------------------------------------------

struct Watchers {
    json listed = json::array();
    std::size_t total = 0;
};

/// All are looked at for each page, as the core has them by connection; what is kept is one page.
asio::awaitable<net::HttpResponse> by_path(Services& services, Wanted wanted) {
    std::map<std::string, Watchers> paths;
    std::size_t looked_at = 0;
    std::size_t total = 0;
    auto cursor = co_await start_of(services.desk, wanted);
    const auto connection = cursor ? cursor->connection : ConnectionId::kNone;
    while (cursor && looked_at < kLookedAtMax && (!wanted.session || cursor->connection == connection)) {
        const auto slice = co_await look_at(services.desk, *cursor, kSlice);
        looked_at += slice.watches.size();
        total = slice.total;
        for (const auto& watch : slice.watches) {
            if (!asked_for(wanted, watch) || watch.path < wanted.cursor) continue;
            auto& watchers = paths[watch.path];
            ++watchers.total;
            if (watchers.listed.size() < kWatchersListedMax)
                watchers.listed.push_back({{"session", hex(watch.session)}, {"kinds", json_of(watch.kinds)}});
            if (paths.size() > wanted.limit + 1) paths.erase(std::prev(paths.end()));
        }
        cursor = slice.next;
    }
    const bool complete = !cursor || (wanted.session && cursor->connection != connection);
    json body{{"total", total}, {"complete", complete}, {"paths", json::array()}, {"next", nullptr}};
    for (auto& [path, watchers] : paths) {
        if (body["paths"].size() == wanted.limit) {
            body["next"] = path;
            break;
        }
        body["paths"].push_back(
            {{"path", path}, {"watchers", std::move(watchers.listed)}, {"watchers_total", watchers.total}});
    }
    co_return json_reply(body);
}

// --- by session ------------------------------------------------------------------------------------------------------

std::string text_of(const core::WatchCursor& cursor) {
    return fmt::format("{}-{}", static_cast<std::uint64_t>(cursor.connection), cursor.offset);
}

core::WatchCursor parse_cursor(std::string_view text) {
    const auto number = [&](std::string_view digits) {
        std::uint64_t value = 0;
        const auto* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value);
        if (error != std::errc{} || stop != end) throw BadRequest{"the parameter cursor is not what was given as next"};
        return value;
    };
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) throw BadRequest{"the parameter cursor is not what was given as next"};
    return {.connection = ConnectionId{number(text.substr(0, dash))}, .offset = number(text.substr(dash + 1))};
}

/// Watches count for the limit, not sessions: one may have any number.
asio::awaitable<net::HttpResponse> by_session(Services& services, Wanted wanted) {
    auto sessions = json::array();
    std::size_t taken = 0;
    std::size_t looked_at = 0;
    std::size_t total = 0;
    auto cursor = co_await start_of(services.desk, wanted);
    const auto connection = cursor ? cursor->connection : ConnectionId::kNone;
    if (cursor && !wanted.cursor.empty()) cursor = parse_cursor(wanted.cursor);
    auto last = ConnectionId::kNone;
    while (cursor && taken < wanted.limit && looked_at < kLookedAtMax) {
        if (wanted.session && cursor->connection != connection) {
            cursor.reset();
            break;
        }
        const auto slice = co_await look_at(services.desk, *cursor, std::min(kSlice, wanted.limit - taken));
        looked_at += slice.watches.size();
        total = slice.total;
        for (const auto& watch : slice.watches) {
            if (!asked_for(wanted, watch)) continue;
            ++taken;
            if (sessions.empty() || watch.connection != last)
                sessions.push_back({{"session", hex(watch.session)}, {"watches", json::array()}});
            last = watch.connection;
            sessions.back()["watches"].push_back({{"path", watch.path}, {"kinds", json_of(watch.kinds)}});
        }
        cursor = slice.next;
    }
    const bool more = cursor && (!wanted.session || cursor->connection == connection);
    json body{{"total", total},
              {"complete", !more || taken >= wanted.limit},
              {"sessions", std::move(sessions)},
              {"next", nullptr}};
    if (more) body["next"] = text_of(*cursor);
    co_return json_reply(body);
}

asio::awaitable<net::HttpResponse> get_watches(Services& services, Call call) {
    try {
        auto wanted = wanted_of(call);
        if (wanted.by_path) co_return co_await by_path(services, std::move(wanted));
        co_return co_await by_session(services, std::move(wanted));
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

}  // namespace

std::string_view name_of(znode::WatchKind kind) {
    switch (kind) {
        case znode::WatchKind::kData: break;
        case znode::WatchKind::kChild: return "child";
        case znode::WatchKind::kPersistent: return "persistent";
        case znode::WatchKind::kPersistentRecursive: return "recursive";
    }
    return "data";
}

void add_watch_routes(Router& router, Services& services) {
    router.add({"GET", "/api/v1/watches", Role::kReader,
                [&services](Call call) { return get_watches(services, std::move(call)); }});
}

}  // namespace zabd::server::admin
