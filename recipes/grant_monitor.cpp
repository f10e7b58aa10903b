#include "recipes/grant_monitor.hpp"

#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

using client::Errc;
using client::Event;
using client::EventType;
using client::State;
using Clock = std::chrono::steady_clock;

constexpr client::Millis kTick{200};

}  // namespace

GrantMonitor::GrantMonitor(client::Client& client, OwnNode node)
    : client_(&client),
      node_(std::move(node)),
      watch_(client.make_watch()),
      tick_(client.get_executor()),
      changed_(client.get_executor(), Clock::time_point::max()) {}

void GrantMonitor::start() {
    const auto hear_all = [self = shared_from_this()] { return self->hear(); };
    asio::co_spawn(changed_.get_executor(), hear_all, asio::detached);
    look();
    if (client_->state() != State::kConnected) doubt();
}

void GrantMonitor::end() {
    client_ = nullptr;
    watch_.close();
    tick_.cancel();
    changed_.cancel();
}

GrantState GrantMonitor::state() {
    if (client_ == nullptr) return GrantState::kLost;
    if (client_->session().id != node_.session() || Clock::now() >= client_->session_deadline()) {
        lose();
        return GrantState::kLost;
    }
    return confirmed_ && client_->state() == State::kConnected ? GrantState::kHeld : GrantState::kUncertain;
}

asio::awaitable<void> GrantMonitor::changed() { co_await changed_.async_wait(as_value); }

asio::awaitable<void> GrantMonitor::hear() {
    while (client_ != nullptr) {
        const auto [error, event] = co_await watch_.next(as_value);
        if (client_ == nullptr) co_return;
        error ? lose() : on(event);
    }
}

void GrantMonitor::on(const Event& event) {
    if (event.type == EventType::kDeleted || event.state == State::kLost || event.state == State::kClosed) {
        return lose();
    }
    if (event.type == EventType::kState && event.state != State::kConnected) return doubt();
    look();
}

void GrantMonitor::look() {
    look_again_ = std::exchange(looking_, true);
    if (look_again_) return;
    const client::ReadOptions options{.watch = &watch_, .linearizable = !confirmed_};
    client_->get(node_.path(), options, [self = shared_from_this()](const error_code& error, const auto& node) {
        self->looking_ = false;
        if (self->client_ != nullptr) self->seen(error, node);
    });
}

void GrantMonitor::seen(const error_code& error, const client::NodeData& node) {
    if (error == Errc::kNoNode) return lose();
    if (error && error != Errc::kNoAuth) return doubt();  // kNoAuth: there, though not for us to read
    confirmed_ = true;
    revocation_requested_ = revocation_requested_ || node.data == kRevocation;
    changed_.cancel();
    if (look_again_) look();
}

void GrantMonitor::doubt() {
    confirmed_ = false;
    tick_.expires_at(std::min(Clock::now() + kTick, client_->session_deadline()));
    tick_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error && self->client_ != nullptr) self->tick();
    });
    changed_.cancel();
}

void GrantMonitor::tick() {
    if (state() == GrantState::kLost || confirmed_) return;
    if (client_->state() == State::kConnected) look();
    doubt();
}

void GrantMonitor::lose() {
    end();
    node_.discard();  // the session may live on, if it was our own clock that told
}

}  // namespace zabd::recipes
