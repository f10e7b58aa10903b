#include "recipes/own_node.hpp"

#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <exception>
#include <memory>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

using client::Errc;
using client::Millis;

constexpr Millis kPause{50};  // between two tries

/// Whether the node may still be there, and another try may help.
bool worth_another_try(const client::Client::error_code& error) {
    constexpr std::array kPassing{Errc::kConnectionLoss, Errc::kOperationTimeout, Errc::kNotSent,
                                  Errc::kSessionMoved,   Errc::kThrottled,        Errc::kTooManyRequests};
    for (const auto passing : kPassing) {
        if (error == passing) return true;
    }
    return false;
}

/// `remove` is a deferred operation: a value that can be started again and again, without its Client.
template <class Operation>
asio::awaitable<void> remove_until_gone(Operation remove) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (;;) {
        const auto [error] = co_await remove(as_value);
        if (!worth_another_try(error)) co_return;
        pause.expires_after(kPause);
        co_await pause.async_wait(as_value);
    }
}

}  // namespace

OwnNode::OwnNode(client::Client& client, client::Created created)
    : created_(std::move(created)), executor_(client.get_executor()) {
    removal_ = [remove = client.remove(created_.path, {}, asio::deferred)] { return remove_until_gone(remove); };
}

OwnNode::OwnNode(OwnNode&& other) noexcept
    : created_(std::move(other.created_)),
      executor_(std::move(other.executor_)),
      removal_(std::exchange(other.removal_, nullptr)) {}

OwnNode& OwnNode::operator=(OwnNode&& other) noexcept {
    if (this == &other) return *this;
    discard();
    created_ = std::move(other.created_);
    executor_ = std::move(other.executor_);
    removal_ = std::exchange(other.removal_, nullptr);
    return *this;
}

std::string_view OwnNode::name() const {
    const std::string_view whole = created_.path;
    return whole.substr(whole.rfind('/') + 1);
}

// Without memory for a coroutine the process may as well end.
void OwnNode::discard() noexcept {  // NOLINT(bugprone-exception-escape)
    if (const auto removal = std::exchange(removal_, nullptr)) asio::co_spawn(executor_, removal(), asio::detached);
}

asio::awaitable<void> OwnNode::remove() {
    const auto removal = std::exchange(removal_, nullptr);
    if (!removal) co_return;
    // Spawned rather than awaited: who waits may be cancelled, even before the first step, and the node must go.
    const auto gone = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    asio::co_spawn(executor_, removal(), [gone](std::exception_ptr) { gone->expires_after(Millis{0}); });
    co_await gone->async_wait(as_value);
}

}  // namespace zabd::recipes
