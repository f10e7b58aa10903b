// Several locks as one: all are held, or none.
//
//     MultiLock lock(client, {"/accounts/a", "/accounts/b"});
//     auto grant = co_await lock.acquire();
//
// Layout    of each path that of lock.hpp: others may take them one by one.
// Order     they are acquired in the order of their paths, each when the one before is held; so two that ask for some
//           of the same paths, in whatever order, do not wait for each other for ever.
// Failing   when one cannot be had, those already held are released.
#pragma once

#include "recipes/lock.hpp"

#include <string>
#include <vector>

namespace zabd::recipes {

class MultiGrant {
public:
    MultiGrant() = default;  // of nothing: lost
    explicit MultiGrant(std::vector<Grant> grants) : grants_(std::move(grants)) {}

    /// In the order of their paths; each has its own token.
    [[nodiscard]] const std::vector<Grant>& grants() const { return grants_; }

    /// The worst of all.
    [[nodiscard]] GrantState state() const;
    [[nodiscard]] bool held() const { return state() == GrantState::kHeld; }
    /// Returns the state as soon as it is another than `seen`.
    [[nodiscard]] boost::asio::awaitable<GrantState> changed(GrantState seen) const;

    /// Releases all; see Grant::release().
    boost::asio::awaitable<void> release();

private:
    std::vector<Grant> grants_;
};

class MultiLock {
public:
    /// A path that is named twice counts once. `client` outlives the lock and its grants, at one address.
    MultiLock(client::Client& client, std::vector<std::string> paths, const ContestOptions& options = {});

    boost::asio::awaitable<MultiGrant> acquire();
    /// nullopt when the limit has passed before all were held.
    boost::asio::awaitable<std::optional<MultiGrant>> acquire_within(client::Millis limit);

private:
    std::vector<Lock> locks_;
};

}  // namespace zabd::recipes
