#include "client/event_queue.hpp"

#include "client/completion.hpp"
#include "client/engine.hpp"
#include "client/error.hpp"
#include "wire/assert.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace zabd::client {

void EventQueue::take(const Event& event) {
    if (closed_) return;
    if (event.type == EventType::kState && event.state == State::kClosed) last_taken_ = true;
    if (waiter_) return finish({}, event);
    if (events_.size() >= capacity_) {
        events_.clear();
        events_.push_back({.type = EventType::kLagged, .state = event.state});
        if (event.type != EventType::kState) return;
    }
    events_.push_back(event);
}

std::optional<Event> EventQueue::poll() {
    if (events_.empty()) return std::nullopt;
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void EventQueue::finish(boost::system::error_code error, Event event) {
    complete(std::move(waiter_), executor_, error, std::move(event));
}

void EventQueue::wait(Handler handler) {
    const auto post = [&](boost::system::error_code error, Event event) {
        boost::asio::post(
            executor_, [handler = std::move(handler), executor = executor_, error, event = std::move(event)]() mutable {
                complete(std::move(handler), executor, error, std::move(event));
            });
    };
    if (closed_ || waiter_) return post(make_error_code(Errc::kWatchClosed), {});
    if (auto event = poll()) return post({}, std::move(*event));
    if (last_taken_ || engine_.expired()) return post(make_error_code(Errc::kClosed), {});
    waiter_.swap(handler);  // assigning it recurses without end in Boost 1.81
    ++waits_;
    auto slot = boost::asio::get_associated_cancellation_slot(waiter_);
    if (!slot.is_connected()) return;
    slot.assign([queue = weak_from_this(), executor = executor_, wait = waits_](boost::asio::cancellation_type) {
        boost::asio::post(executor, [queue, wait] {
            const auto self = queue.lock();
            if (self && self->waiter_ && self->waits_ == wait) self->finish(boost::asio::error::operation_aborted, {});
        });
    });
}

void EventQueue::close() {
    if (std::exchange(closed_, true)) return;
    events_.clear();
    if (const auto engine = engine_.lock()) engine->drop(*this);
    if (!waiter_) return;
    boost::asio::post(executor_, [handler = std::move(waiter_), executor = executor_]() mutable {
        complete(std::move(handler), executor, make_error_code(Errc::kWatchClosed), Event{});
    });
}

// --- Watch: the handle -----------------------------------------------------------------------------------------------

Watch::Watch(std::shared_ptr<EventQueue> queue) : queue_(std::move(queue)) {}
Watch::Watch(Watch&&) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept {
    close();
    queue_ = std::move(other.queue_);
    return *this;
}

Watch::~Watch() { close(); }

bool Watch::open() const { return queue_ && !queue_->closed(); }

void Watch::close() {
    if (queue_) queue_->close();
}

std::optional<Event> Watch::poll() { return queue_ ? queue_->poll() : std::nullopt; }

Watch::executor_type Watch::get_executor() const { return queue_->executor(); }

void Watch::start_next(const std::shared_ptr<EventQueue>& queue, Handler handler) {
    ZABD_ASSERT(queue != nullptr);
    queue->wait(std::move(handler));
}

}  // namespace zabd::client
