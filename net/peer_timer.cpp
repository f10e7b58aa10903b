#include "net/peer_timer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <utility>

namespace zabd::net {

struct PeerTimer::Impl {
    explicit Impl(boost::asio::io_context& io) : timer(io) {}

    boost::asio::steady_timer timer;
    std::function<void()> action;  // none: not running
    std::uint64_t starts = 0;
};

PeerTimer::PeerTimer(boost::asio::io_context& io) : impl_(std::make_shared<Impl>(io)) {}

PeerTimer::~PeerTimer() { stop(); }

void PeerTimer::start(std::chrono::nanoseconds wait, std::function<void()> action) {
    impl_->action = std::move(action);
    impl_->timer.expires_after(wait);
    impl_->timer.async_wait([impl = impl_, start = ++impl_->starts](const auto&) {
        if (start != impl->starts) return;
        if (const auto act = std::exchange(impl->action, {})) act();
    });
}

void PeerTimer::stop() {
    impl_->action = {};
    impl_->timer.cancel();
}

bool PeerTimer::running() const { return static_cast<bool>(impl_->action); }

}  // namespace zabd::net
