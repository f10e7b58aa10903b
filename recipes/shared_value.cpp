#include "recipes/shared_value.hpp"

#include "client/random_id.hpp"
#include "recipes/own_node.hpp"
#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

namespace zabd::recipes {

namespace asio = boost::asio;
using client::CreateMode;
using client::Errc;

/// A change that is to be applied to one version.
struct SharedValue::Attempt {
    std::int32_t version;
    const std::string& data;
    std::string marker{};  // path; of traced ones
    SessionId session{};   // in which the marker would be
};

asio::awaitable<VersionedValue> SharedValue::get() {
    for (;;) {
        auto [missing, node] = co_await client_.get(path_, {.linearizable = true}, as_value);
        if (!missing) co_return VersionedValue{.data = std::move(node.data), .version = node.stat.version};
        if (co_await session_renewed(client_, missing)) continue;
        if (missing != Errc::kNoNode) throw_if(missing);
        // All begin with the same seed, so it does not matter who makes the node, nor whether we learn that we did.
        const auto [error, created] = co_await client_.create(path_, options_.seed, {}, as_value);
        if (error == Errc::kNoNode) {
            co_await ensure_parent(client_, path_);
        } else if (error != Errc::kNodeExists && !client::may_have_been_applied(error)) {
            throw_if(error);
        }
    }
}

asio::awaitable<std::optional<VersionedValue>> SharedValue::try_set(const VersionedValue& before, std::string data) {
    Attempt attempt{.version = before.version, .data = data};
    if (options_.traced) attempt.marker = child_of(path_, "_c_" + client::random_id());
    for (;;) {
        const auto error = co_await write(attempt);
        auto fate = error ? Fate::kConflict : Fate::kApplied;
        if (client::may_have_been_applied(error)) {
            fate = co_await find_out(attempt);
        } else if (co_await session_renewed(client_, error)) {
            fate = Fate::kNotApplied;
        } else if (error != Errc::kBadVersion && error != Errc::kNoNode) {
            throw_if(error);
        }
        if (fate == Fate::kUnknown) throw_if(error);
        if (fate == Fate::kConflict) co_return std::nullopt;
        if (fate == Fate::kApplied) break;
    }
    co_return VersionedValue{.data = std::move(data), .version = before.version + 1};
}

asio::awaitable<client::Client::error_code> SharedValue::write(Attempt& attempt) {
    attempt.session = client_.session().id;
    if (attempt.marker.empty()) {
        const auto [error, stat] = co_await client_.set(path_, attempt.data, {.version = attempt.version}, as_value);
        co_return error;
    }
    client::Multi multi;
    multi.set(path_, attempt.data, attempt.version).create(attempt.marker, {}, {.mode = CreateMode::kEphemeral});
    auto [error, results] = co_await client_.multi(multi, {}, as_value);
    if (!error) {
        client::Created marker{.path = attempt.marker, .stat = results.back().stat};
        OwnNode(client_, std::move(marker)).discard();
    }
    co_return error;
}

asio::awaitable<SharedValue::Fate> SharedValue::find_out(const Attempt& attempt) {
    if (!attempt.marker.empty()) {
        const auto [unknown, marker] = co_await client_.exists(attempt.marker, {.linearizable = true}, as_value);
        if (unknown) co_return Fate::kUnknown;
        if (marker) {
            client::Created found{.path = attempt.marker, .stat = *marker};
            OwnNode(client_, std::move(found)).discard();
            co_return Fate::kApplied;
        }
        // A marker of a session that has ended says nothing by being absent.
        if (client_.session().id == attempt.session) co_return Fate::kNotApplied;
    }
    const auto [missing, node] = co_await client_.get(path_, {.linearizable = true}, as_value);
    if (missing) co_return Fate::kUnknown;
    if (node.stat.version == attempt.version) co_return Fate::kNotApplied;
    if (node.stat.version == attempt.version + 1 && node.data != attempt.data) co_return Fate::kConflict;
    co_return Fate::kUnknown;
}

asio::awaitable<VersionedValue> SharedValue::set(std::string data) {
    const Next next = [&data](const std::string&) { return data; };
    auto change = co_await update(next);
    co_return std::move(change.after);
}

asio::awaitable<SharedValue::Change> SharedValue::update(Next next) {
    for (;;) {
        auto before = co_await get();
        auto data = next(before.data);
        if (!data) co_return Change{.before = before, .after = before};
        auto after = co_await try_set(before, *std::move(data));
        if (after) co_return Change{.before = std::move(before), .after = *std::move(after)};
    }
}

}  // namespace zabd::recipes
