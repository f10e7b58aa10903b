// Writes go by a session of the caller's at our own client port (clients.hpp): the same checks, the same log.
#include "client/client.hpp"
#include "server/admin/ask.hpp"
#include "server/admin/audit_log.hpp"
#include "server/admin/body.hpp"
#include "server/admin/clients.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/tree.hpp"
#include "znode/path.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using client::CreateMode;
using net::HttpResponse;
using nlohmann::json;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::int64_t kVersionMax = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kDeletedMax = 200'000;  // by one recursive delete
constexpr std::size_t kBatchNodes = 100;      // that go as one transaction
constexpr std::size_t kBatchBytes = 64 << 10;

HttpResponse failure_reply(const std::error_code& error, std::string_view path) {
    using enum client::Errc;
    if (error == kNotSent || error == kTooManyRequests)
        return error_reply(503, "NotServing", "the server takes no writes at the moment; this one had no effect");
    if (error == kRequestTooLarge)
        return error_reply(413, "TooLarge", "larger than the server takes requests (jute.maxbuffer)");
    if (client::may_have_been_applied(error) || error.category() != client::category())
        return error_reply(504, "Timeout", "there was no answer in time; it may have been done all the same");
    return error_reply(static_cast<wire::ErrorCode>(error.value()), path);
}

HttpResponse unable_reply() { return error_reply(503, "NotServing", "the server takes no writes at the moment"); }

/// Null: the server does not serve, or has no session left for us. Soon: a client would wait for its timeout.
asio::awaitable<std::shared_ptr<client::Client>> writer_for(Services& services, const Caller& caller) {
    auto question = [](Inside& inside) { return inside.core().status().serving; };
    const bool serving = co_await ask(services.desk, std::move(question));
    if (!serving) co_return nullptr;
    auto writer = services.clients.of(caller);
    if (!writer || !caller.digest.empty()) co_return writer;
    // To the server the session is nobody's.
    const auto [error] = co_await writer->connected(Clients::kOperationMax, as_value);
    if (error) co_return nullptr;
    services.audit.name_session(writer->session().id, caller.user);
    co_return writer;
}

/// The path of a node that there can be. Servers do not check that of a delete, which then finds nothing.
std::string valid_path_of(const Call& call, std::string_view suffix = "") {
    auto path = znode_path(call);
    if (!znode::valid_path(path + std::string(suffix))) throw BadRequest{path + ": not a valid path"};
    return path;
}

// --- create, set, setACL ---

struct Creation {
    std::string path;  // of a sequential node: "/queue/" may be all of it
    std::string data;
    std::optional<wire::AclList> acl;
    CreateMode mode = CreateMode::kPersistent;
    std::int64_t ttl_ms = 0;
};

CreateMode mode_of(const std::string& name, bool sequential) {
    if (name == "persistent") return sequential ? CreateMode::kPersistentSequential : CreateMode::kPersistent;
    if (name == "ttl") return sequential ? CreateMode::kPersistentSequentialTtl : CreateMode::kPersistentTtl;
    if (name == "ephemeral")
        throw BadRequest{"an ephemeral node would belong to this endpoint's session, not to yours"};
    if (name != "container") throw BadRequest{"mode is not persistent, container or ttl"};
    if (sequential) throw BadRequest{"a container cannot be sequential"};
    return CreateMode::kContainer;
}

Creation creation_of(const Call& call) {
    Parameters(call.request).finish();
    Body body(call.request.body.empty() ? "{}" : std::string_view(call.request.body));
    Creation creation;
    creation.data = body.data("data").value_or("");
    creation.acl = body.acl("acl");
    const auto mode = body.text("mode").value_or("persistent");
    const bool sequential = body.flag("sequential").value_or(false);
    creation.mode = mode_of(mode, sequential);
    creation.path = valid_path_of(call, sequential ? "0" : "");
    const auto ttl_ms = body.number("ttl_ms", 1, znode::kTtlMsMax);
    body.finish();
    if (ttl_ms.has_value() != (mode == "ttl")) throw BadRequest{"ttl_ms goes with mode ttl, and only with it"};
    creation.ttl_ms = ttl_ms.value_or(0);
    return creation;
}

asio::awaitable<HttpResponse> create(Services& services, Call call) {
    const auto creation = creation_of(call);
    const auto& path = creation.path;
    const auto writer = co_await writer_for(services, call.caller);
    if (!writer) co_return unable_reply();
    client::CreateOptions options{.mode = creation.mode, .ttl = client::Millis(creation.ttl_ms)};
    if (creation.acl) options.acl = &*creation.acl;
    const auto [error, created] = co_await writer->create(path, creation.data, options, as_value);
    if (error) co_return failure_reply(error, path);
    const json answer{{"path", created.path}, {"stat", json_of(created.stat)}};
    co_return json_reply(answer, 201);
}

std::int32_t version_of(Body& body) {
    const auto version = body.number("version", client::kAnyVersion, kVersionMax);
    if (!version) throw BadRequest{"version is missing; -1 stands for any"};
    return static_cast<std::int32_t>(*version);
}

HttpResponse stat_reply(const std::error_code& error, const std::string& path, const wire::Stat& stat) {
    if (error) return failure_reply(error, path);
    return json_reply({{"path", path}, {"stat", json_of(stat)}});
}

asio::awaitable<HttpResponse> set(Services& services, Call call) {
    Parameters(call.request).finish();
    Body body(call.request.body);
    const auto data = body.data("data");
    const client::VersionOptions options{.version = version_of(body)};
    body.finish();
    if (!data) throw BadRequest{"data is missing"};
    const auto path = valid_path_of(call);
    const auto writer = co_await writer_for(services, call.caller);
    if (!writer) co_return unable_reply();
    const auto [error, stat] = co_await writer->set(path, *data, options, as_value);
    co_return stat_reply(error, path, stat);
}

asio::awaitable<HttpResponse> set_acl(Services& services, Call call) {
    Parameters(call.request).finish();
    Body body(call.request.body);
    const auto acl = body.acl("acl");
    const client::VersionOptions options{.version = version_of(body)};
    body.finish();
    if (!acl) throw BadRequest{"acl is missing"};
    const auto path = valid_path_of(call);
    const auto writer = co_await writer_for(services, call.caller);
    if (!writer) co_return unable_reply();
    const auto [error, stat] = co_await writer->set_acl(path, *acl, options, as_value);
    co_return stat_reply(error, path, stat);
}

// --- delete ---

/// Of all below the path, those above before those below. What the caller may not read is missing.
struct Listed {
    wire::ErrorCode error = wire::ErrorCode::kOk;
    std::vector<std::string> paths;
};

asio::awaitable<Listed> list_below(TreeReader reader, std::string path) {
    Listed listed;
    std::string cursor;
    do {
        core::WalkQuery query{.below = path, .deep = true, .cursor = cursor, .nodes_max = kSliceNodes};
        const auto slice = co_await reader.walk(std::move(query));
        if (slice.error == wire::ErrorCode::kNoAuth) break;
        listed.error = slice.error;
        if (slice.error != wire::ErrorCode::kOk) break;
        for (const auto& node : slice.nodes) listed.paths.push_back(node.path);
        cursor = slice.next;
    } while (!cursor.empty() && listed.paths.size() <= kDeletedMax);
    co_return listed;
}

struct Deleted {
    std::size_t count = 0;
    std::error_code error{};
    std::string failed{};  // the path that could not be
};

/// One after the other; what is gone already is no failure.
asio::awaitable<void> delete_singly(client::Client& writer, std::span<const std::string> paths, Deleted& deleted) {
    const client::VersionOptions options;
    for (const auto& path : paths) {
        const auto [error] = co_await writer.remove(path, options, as_value);
        if (!error) ++deleted.count;
        if (!error || error == client::Errc::kNoNode) continue;
        deleted.error = error;
        deleted.failed = path;
        co_return;
    }
}

/// In this order, batch by batch.
asio::awaitable<Deleted> delete_all(client::Client& writer, std::span<const std::string> paths) {
    const client::CallOptions options;
    Deleted deleted;
    while (!paths.empty() && !deleted.error) {
        client::Multi multi;
        std::size_t bytes = 0;
        for (const auto& path : paths) {
            if (multi.size() == kBatchNodes || bytes > kBatchBytes) break;
            multi.remove(path);
            bytes += path.size();
        }
        const auto batch = paths.first(multi.size());
        paths = paths.subspan(batch.size());
        const auto [error, results] = co_await writer.multi(multi, options, as_value);
        if (!error) {
            deleted.count += batch.size();
        } else if (client::may_have_been_applied(error)) {
            deleted.error = error;
            deleted.failed = batch.front();
        } else {  // somebody was faster, or may what we may not: none of the batch has gone
            co_await delete_singly(writer, batch, deleted);
        }
    }
    co_return deleted;
}

asio::awaitable<HttpResponse> delete_below(Services& services, Call call, std::shared_ptr<client::Client> writer,
                                           client::VersionOptions options) {
    const auto path = valid_path_of(call);
    TreeReader reader(services.desk, call.caller);
    const auto top = co_await reader.node(path);
    if (top.error != wire::ErrorCode::kOk && top.error != wire::ErrorCode::kNoAuth)
        co_return error_reply(top.error, path);
    const bool changed = top.node.readable && top.node.stat.version != options.version;
    if (options.version != client::kAnyVersion && changed) co_return error_reply(wire::ErrorCode::kBadVersion, path);
    auto listed = co_await list_below(reader, path);
    if (listed.error != wire::ErrorCode::kOk) co_return error_reply(listed.error, path);
    if (listed.paths.size() > kDeletedMax)
        throw BadRequest{fmt::format("more than {} nodes are below it: delete it part by part", kDeletedMax)};
    std::ranges::reverse(listed.paths);
    const auto deleted = co_await delete_all(*writer, listed.paths);
    if (deleted.error) co_return failure_reply(deleted.error, deleted.failed);
    const auto [error] = co_await writer->remove(path, options, as_value);
    if (error) co_return failure_reply(error, path);
    const json answer{{"path", path}, {"deleted", deleted.count + 1}};
    co_return json_reply(answer);
}

asio::awaitable<HttpResponse> remove(Services& services, Call call) {
    const auto path = valid_path_of(call);
    if (!call.request.body.empty()) throw BadRequest{"a DELETE has no body"};
    Parameters parameters(call.request);
    const bool recursive = parameters.flag("recursive");
    const auto version = parameters.number("version", client::kAnyVersion, kVersionMax);
    parameters.finish();
    if (!version && !recursive) throw BadRequest{"the parameter version is missing; -1 stands for any"};
    if (recursive && znode::special_path(path)) throw BadRequest{path + " cannot be deleted"};
    const client::VersionOptions options{.version = static_cast<std::int32_t>(version.value_or(client::kAnyVersion))};
    auto writer = co_await writer_for(services, call.caller);
    if (!writer) co_return unable_reply();
    if (recursive) co_return co_await delete_below(services, std::move(call), std::move(writer), options);
    const auto [error] = co_await writer->remove(path, options, as_value);
    if (error) co_return failure_reply(error, path);
    const json answer{{"path", path}};
    co_return json_reply(answer);
}

using Operation = asio::awaitable<HttpResponse> (*)(Services&, Call);

asio::awaitable<HttpResponse> guarded(Operation operation, Services& services, Call call) {
    try {
        co_return co_await operation(services, std::move(call));
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

void add(Router& router, Services& services, const char* method, const char* pattern, Operation operation) {
    router.add(
        {.method = method, .pattern = pattern, .needs = Role::kOperator, .handler = [&services, operation](Call call) {
             return guarded(operation, services, std::move(call));
         }});
}

}  // namespace

void add_tree_write_routes(Router& router, Services& services) {
    add(router, services, "POST", "/api/v1/tree*", create);
    add(router, services, "PUT", "/api/v1/tree*", set);
    add(router, services, "DELETE", "/api/v1/tree*", remove);
    add(router, services, "PUT", "/api/v1/acl*", set_acl);
}

}  // namespace zabd::server::admin
