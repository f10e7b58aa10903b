#include "recipes/semaphore.hpp"

#include "recipes/waiting.hpp"
#include "recipes/within.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Client;
using client::CreateMode;
using client::Errc;

namespace {

constexpr std::string_view kLeaseBase = "lease-";

std::string leases_path(const std::string& path, Flavor flavor) {
    return flavor == Flavor::kKazoo ? path : path + "/leases";
}

std::string lock_path(const std::string& path, Flavor flavor) {
    return path + (flavor == Flavor::kKazoo ? "-__lock__" : "/locks");
}

}  // namespace

Semaphore::Semaphore(Client& client, std::string path, std::size_t leases_max, ContestOptions options)
    : client_(&client),
      options_(options),
      leases_max_(leases_max),
      leases_path_(leases_path(path, options.flavor)),
      turn_(client, lock_path(path, options.flavor), options) {}

asio::awaitable<Grant> Semaphore::acquire() {
    if (options_.flavor == Flavor::kKazoo) co_await agree_on_limit();
    const auto turn = co_await turn_.win(Purpose::kLock);
    auto lease = co_await create_lease();
    co_await while_session_lasts(*client_, lease, await_room(lease));
    co_return Grant(*client_, std::move(lease));
}

asio::awaitable<std::optional<Grant>> Semaphore::acquire_within(client::Millis limit) {
    return within(limit, acquire());
}

asio::awaitable<std::vector<Participant>> Semaphore::holders() {
    auto [error, children] = co_await client_->children(leases_path_, {}, as_value);
    if (error && error != Errc::kNoNode) fail(error);
    std::erase_if(children.names, [&](const auto& name) { return !is_lease(name); });
    co_return co_await read_participants(*client_, leases_path_, std::move(children.names));
}

/// kazoo counts everything below its path, and Curator below its leases; strangers there would only lower the limit.
bool Semaphore::is_lease(std::string_view name) const {
    return options_.flavor == Flavor::kKazoo || name.find(kLeaseBase) != std::string_view::npos;
}

asio::awaitable<OwnNode> Semaphore::create_lease() {
    const bool kazoo = options_.flavor == Flavor::kKazoo;
    const auto mode = kazoo ? CreateMode::kEphemeral : CreateMode::kEphemeralSequential;
    return create_own(*client_, leases_path_, kazoo ? std::string() : std::string(kLeaseBase), options_, mode);
}

/// Our lease is there already, so that whoever counts the leases counts ours.
asio::awaitable<void> Semaphore::await_room(const OwnNode& lease) {
    for (;;) {
        auto watch = client_->make_watch();
        const client::ReadOptions options{.watch = &watch};
        const auto children = co_await client_->children(leases_path_, options);
        if (std::ranges::find(children.names, lease.name()) == children.names.end()) {
            fail(ContestErrc::kContenderGone);
        }
        const auto leases = std::ranges::count_if(children.names, [&](const auto& name) { return is_lease(name); });
        if (std::cmp_less_equal(leases, leases_max_)) co_return;
        co_await stale_until(watch, kNever);
    }
}

asio::awaitable<void> Semaphore::agree_on_limit() {
    const auto limit = fmt::to_string(leases_max_);
    co_await client_->ensure_path(leases_path_);
    for (;;) {
        const auto node = co_await client_->get(leases_path_);
        if (node.data == limit) co_return;
        if (!node.data.empty()) fail(ContestErrc::kLimitDiffers);
        const client::VersionOptions unchanged{.version = node.stat.version};
        const auto [error, stat] = co_await client_->set(leases_path_, limit, unchanged, as_value);
        if (error && error != Errc::kBadVersion && !client::may_have_been_applied(error)) fail(error);
    }
}

}  // namespace zabd::recipes
