#include "recipes/multi_lock.hpp"

#include "recipes/within.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

/// Until the state of one of them, of which there is at least one, is no longer what it was.
asio::awaitable<void> any_changed(std::span<const Grant> grants) {
    using namespace asio::experimental::awaitable_operators;
    const auto& first = grants.front();
    if (grants.size() == 1) {
        co_await first.changed(first.state());
    } else {
        co_await (first.changed(first.state()) || any_changed(grants.subspan(1)));
    }
}

}  // namespace

GrantState MultiGrant::state() const {
    auto worst = grants_.empty() ? GrantState::kLost : GrantState::kHeld;
    for (const auto& grant : grants_) worst = std::max(worst, grant.state());
    return worst;
}

asio::awaitable<GrantState> MultiGrant::changed(GrantState seen) const {
    while (state() == seen && !grants_.empty()) co_await any_changed(grants_);
    co_return state();
}

asio::awaitable<void> MultiGrant::release() {
    for (auto& grant : grants_) co_await grant.release();
}

MultiLock::MultiLock(client::Client& client, std::vector<std::string> paths, const ContestOptions& options) {
    std::ranges::sort(paths);
    const auto repeated = std::ranges::unique(paths);
    paths.erase(repeated.begin(), repeated.end());
    for (auto& path : paths) locks_.emplace_back(client, std::move(path), options);
}

asio::awaitable<MultiGrant> MultiLock::acquire() {
    std::vector<Grant> grants;
    for (auto& lock : locks_) grants.push_back(co_await lock.acquire());
    co_return MultiGrant(std::move(grants));
}

asio::awaitable<std::optional<MultiGrant>> MultiLock::acquire_within(client::Millis limit) {
    return within(limit, acquire());
}

}  // namespace zabd::recipes
