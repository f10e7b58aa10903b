// Sessions and connections: who is there, and ending a session.
#include "server/admin/sessions.hpp"

#include "server/admin/ask.hpp"
#include "server/admin/audit_log.hpp"
#include "server/admin/body.hpp"
#include "server/admin/clients.hpp"
#include "server/admin/reply.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t kPageDefault = 100;
constexpr std::int64_t kPageMax = 1000;
constexpr std::size_t kListedMax = 1000;  // of one session: ephemerals, watches
constexpr std::size_t kSlice = 250;       // that one question looks at
constexpr int kCloseAttemptsMax = 8;

struct SeenSession {
    core::SessionView session;
    std::optional<core::ConnectionStatus> connection;  // on this server
};

struct SessionsSlice {
    std::vector<SeenSession> sessions;
    SessionId next = SessionId::kNone;
    std::size_t total = 0;
};

SeenSession seen(const core::Core& core, const core::SessionView& session) {
    SeenSession seen{.session = session, .connection = std::nullopt};
    if (session.connection) seen.connection = core.connection(*session.connection);
    return seen;
}

/// Text that cannot be taken for two addresses: "[::1]:4711".
std::string endpoint(const core::ConnectionStatus& connection) {
    const bool v6 = connection.address.find(':') != std::string::npos;
    return (v6 ? '[' + connection.address + ']' : connection.address) + ':' + std::to_string(connection.port);
}

/// The core is told the steady clock's time.
std::int64_t ms_since(Instant then) {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch());
    return std::max<std::int64_t>((now - then.time_since_epoch()).count(), 0);
}

json json_of(const SeenSession& seen) {
    json object{{"id", hex(seen.session.id)},
                {"timeout_ms", seen.session.timeout.count()},
                {"connected", seen.connection.has_value()},
                {"watches", seen.session.watches},
                {"ephemerals", seen.session.ephemerals}};
    for (const auto* name : {"address", "established_ms", "last_zxid", "last_activity_ms"}) object[name] = nullptr;
    for (const auto* name : {"received", "sent", "outstanding"}) object[name] = 0;
    if (!seen.connection) return object;
    const auto& connection = *seen.connection;
    object["address"] = endpoint(connection);
    object["established_ms"] = static_cast<std::int64_t>(connection.established);
    if (connection.zxid_last != kZxidUnknown) object["last_zxid"] = hex(connection.zxid_last);
    if (connection.responded_last != Instant{}) object["last_activity_ms"] = ms_since(connection.responded_last);
    object["received"] = connection.traffic.received;
    object["sent"] = connection.traffic.sent;
    object["outstanding"] = connection.queued;
    return object;
}

json json_of(const core::ConnectionStatus& connection) {
    const auto& traffic = connection.traffic;
    json object{{"id", static_cast<std::uint64_t>(connection.connection)},
                {"address", endpoint(connection)},
                {"session", nullptr},
                {"queued", connection.queued},
                {"received", traffic.received},
                {"sent", traffic.sent},
                {"latency_avg_ms", nullptr},
                {"latency_max_ms", traffic.latency_ms_max},
                {"last_operation", nullptr},
                {"established_ms", static_cast<std::int64_t>(connection.established)}};
    if (connection.session != SessionId::kNone) object["session"] = hex(connection.session);
    if (traffic.requests != 0)
        object["latency_avg_ms"] = static_cast<double>(traffic.latency_ms_sum) / static_cast<double>(traffic.requests);
    if (connection.last_op != wire::OpCode::kNotification) object["last_operation"] = wire::name_of(connection.last_op);
    return object;
}

// --- lists -----------------------------------------------------------------------------------------------------------

struct Page {
    std::size_t limit = 0;
    std::optional<std::uint64_t> from;  // an id; nullopt: from the start
};

Page page_of(const Call& call) {
    Parameters parameters(call.request);
    Page page;
    page.limit = static_cast<std::size_t>(parameters.number("limit", 1, kPageMax).value_or(kPageDefault));
    if (const auto cursor = parameters.text("cursor")) {
        page.from = parse_hex(*cursor);
        if (!page.from) throw BadRequest{"the parameter cursor is not what was given as next"};
    }
    parameters.finish();
    return page;
}

asio::awaitable<SessionsSlice> look_at(Desk& desk, std::optional<SessionId> from, std::size_t max) {
    auto question = [from, max](Inside& inside) {
        const auto& core = inside.core();
        auto page = core.sessions_page(from.value_or(SessionId{std::numeric_limits<std::int64_t>::min()}), max);
        SessionsSlice slice{.sessions = {}, .next = page.next, .total = page.total};
        for (const auto& session : page.sessions) slice.sessions.push_back(seen(core, session));
        return slice;
    };
    co_return co_await ask(desk, std::move(question));
}

asio::awaitable<net::HttpResponse> list_sessions(Services& services, Page page) {
    auto sessions = json::array();
    std::optional<SessionId> from;
    if (page.from) from = SessionId{static_cast<std::int64_t>(*page.from)};
    SessionsSlice slice;
    do {
        slice = co_await look_at(services.desk, from, std::min(kSlice, page.limit - sessions.size()));
        for (const auto& each : slice.sessions) sessions.push_back(json_of(each));
        from = slice.next;
    } while (slice.next != SessionId::kNone && sessions.size() < page.limit);
    json body{{"total", slice.total}, {"sessions", std::move(sessions)}, {"next", nullptr}};
    if (slice.next != SessionId::kNone) body["next"] = hex(slice.next);
    co_return json_reply(body);
}

asio::awaitable<net::HttpResponse> list_connections(Services& services, Page page) {
    struct Answer {
        std::vector<core::ConnectionStatus> connections;
        std::size_t total = 0;
    };
    auto question = [from = ConnectionId{page.from.value_or(0)}, max = page.limit + 1](Inside& inside) {
        const auto& core = inside.core();
        return Answer{core.connections_page(from, max), core.status().connections};
    };
    const auto answer = co_await ask(services.desk, std::move(question));
    json body{{"total", answer.total}, {"connections", json::array()}, {"next", nullptr}};
    for (const auto& connection : answer.connections) {
        if (body["connections"].size() == page.limit) {
            body["next"] = hex(static_cast<std::uint64_t>(connection.connection));
            break;
        }
        body["connections"].push_back(json_of(connection));
    }
    co_return json_reply(body);
}

// --- one session -----------------------------------------------------------------------------------------------------

struct Details {
    SeenSession seen;
    std::vector<std::string> ephemerals;
    std::vector<core::WatchView> watches;
};

std::optional<Details> details_of(const core::Core& core, SessionId id) {
    const auto session = core.session(id);
    if (!session) return std::nullopt;
    Details details{seen(core, *session), core.ephemerals_of(id, kListedMax), {}};
    if (session->connection) {
        details.watches = core.watches_page({.connection = *session->connection}, kListedMax).watches;
        std::erase_if(details.watches, [&](const auto& watch) { return watch.connection != *session->connection; });
    }
    return details;
}

net::HttpResponse no_session(std::string_view id) {
    return error_reply(404, "NotFound", fmt::format("there is no session {}", id));
}

std::optional<SessionId> session_in(const Call& call) {
    const auto id = parse_hex(call.rest);
    if (!id || *id == 0) return std::nullopt;
    return SessionId{static_cast<std::int64_t>(*id)};
}

asio::awaitable<net::HttpResponse> show_session(Services& services, Call call) {
    Parameters(call.request).finish();
    const auto id = session_in(call);
    if (!id) co_return no_session(call.rest);
    auto question = [id = *id](Inside& inside) { return details_of(inside.core(), id); };
    const auto details = co_await ask(services.desk, std::move(question));
    if (!details) co_return no_session(call.rest);
    auto body = json_of(details->seen);
    body["ephemerals_paths"] = details->ephemerals;
    body["watches_list"] = json::array();
    for (const auto& watch : details->watches) {
        json kinds = json::array();
        for (const auto kind : watch.kinds) kinds.push_back(name_of(kind));
        body["watches_list"].push_back({{"path", watch.path}, {"kinds", std::move(kinds)}});
    }
    co_return json_reply(body);
}

/// The core tells of it as of a request of the session's own client; this says who was behind it.
void audit_close(AuditLog& audit, const Call& call, SessionId id) {
    core::Audited record;
    record.time = WallTime{
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
    record.session = id;
    record.address = call.request.remote_address;
    record.identities = {identity_of(call.caller.user)};
    record.op = wire::OpCode::kCloseSession;
    audit.write(std::move(record));
}

asio::awaitable<net::HttpResponse> close_session(Services& services, Call call) {
    Parameters(call.request).finish();
    const auto id = session_in(call);
    if (!id) co_return no_session(call.rest);
    auto question = [id = *id](Inside& inside) {
        const auto& core = inside.core();
        return core.session(id) ? std::optional(core.password_of(id)) : std::nullopt;
    };
    const auto password = co_await ask(services.desk, std::move(question));
    if (!password) co_return no_session(call.rest);
    // Its client, thrown out, comes back at once, and may take the session back before the close arrives.
    for (int attempt = 0; attempt < kCloseAttemptsMax; ++attempt) {
        const bool closed = co_await services.clients.close_session(*id, *password);
        auto is_there = [id = *id](Inside& inside) { return inside.core().session(id).has_value(); };
        if (co_await ask(services.desk, std::move(is_there))) continue;
        if (closed) audit_close(services.audit, call, *id);  // else somebody else did, or its time was over
        co_return json_reply({{"id", hex(*id)}});
    }
    co_return error_reply(504, "Timeout", "the session is still there: its client has taken it back each time");
}

using Answering = asio::awaitable<net::HttpResponse> (*)(Services&, Call);

/// Waited for in here, so that what is wrong with the call becomes an answer.
template <Answering kAnswer>
asio::awaitable<net::HttpResponse> guarded(Services& services, Call call) {
    try {
        co_return co_await kAnswer(services, std::move(call));
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

asio::awaitable<net::HttpResponse> get_sessions(Services& services, Call call) {
    co_return co_await list_sessions(services, page_of(call));
}
asio::awaitable<net::HttpResponse> get_connections(Services& services, Call call) {
    co_return co_await list_connections(services, page_of(call));
}

template <Answering kAnswer>
Handler handler(Services& services) {
    return [&services](Call call) { return guarded<kAnswer>(services, std::move(call)); };
}

}  // namespace

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    if (!text.starts_with("0x") || text.size() > 18) return std::nullopt;
    std::uint64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 2, end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

void add_session_routes(Router& router, Services& services) {
    router.add({"GET", "/api/v1/sessions", Role::kReader, handler<get_sessions>(services)});
    router.add({"GET", "/api/v1/sessions/*", Role::kReader, handler<show_session>(services)});
    router.add({"DELETE", "/api/v1/sessions/*", Role::kOperator, handler<close_session>(services)});
    router.add({"GET", "/api/v1/connections", Role::kReader, handler<get_connections>(services)});
    add_watch_routes(router, services);
}

}  // namespace zabd::server::admin
