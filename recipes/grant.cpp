#include "recipes/grant.hpp"

#include "recipes/grant_monitor.hpp"

#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

const char* name_of(GrantState state) {
    switch (state) {
        case GrantState::kHeld: return "held";
        case GrantState::kUncertain: return "uncertain";
        case GrantState::kLost: return "lost";
    }
    return "unknown";
}

Grant::Grant() noexcept = default;

Grant::Grant(client::Client& client, OwnNode node) : monitor_(std::make_shared<GrantMonitor>(client, std::move(node))) {
    monitor_->start();
}

Grant::Grant(Grant&&) noexcept = default;

Grant& Grant::operator=(Grant&& other) noexcept {
    std::swap(monitor_, other.monitor_);
    Grant released(std::move(other));
    return *this;
}

Grant::~Grant() {
    if (monitor_ == nullptr) return;
    monitor_->end();
    monitor_->node().discard();
}

Zxid Grant::token() const { return monitor_ ? monitor_->node().czxid() : Zxid{}; }

const std::string& Grant::path() const {
    static const std::string none;
    return monitor_ ? monitor_->node().path() : none;
}

GrantState Grant::state() const { return monitor_ ? monitor_->state() : GrantState::kLost; }

asio::awaitable<GrantState> Grant::changed(GrantState seen) const {
    const auto monitor = monitor_;
    if (monitor == nullptr) co_return GrantState::kLost;
    while (monitor->state() == seen) co_await monitor->changed();
    co_return monitor->state();
}

bool Grant::revocation_requested() const { return monitor_ && monitor_->revocation_requested(); }

asio::awaitable<bool> Grant::revocation() const {
    const auto monitor = monitor_;
    if (monitor == nullptr) co_return false;
    while (monitor->state() != GrantState::kLost && !monitor->revocation_requested()) co_await monitor->changed();
    co_return monitor->state() != GrantState::kLost;
}

asio::awaitable<void> Grant::release() {
    const auto monitor = monitor_;
    if (monitor == nullptr) co_return;
    monitor->end();
    co_await monitor->node().remove();
}

}  // namespace zabd::recipes
