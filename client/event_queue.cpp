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
    const bool full = events_.size() >= capacity_;
    if (full) {
        events_.clear();
        events_.push_back({.type = EventType::kLagged, .state = event.state});
    }
    if (!full || event.type == EventType::kState) events_.push_back(event);
    deliver();
}

std::optional<Event> EventQueue::poll() {
    if (events_.empty()) return std::nullopt;
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void EventQueue::deliver() {
    if (!waiter_) return;
    if (auto event = poll()) complete(std::move(waiter_), executor_, {}, std::move(*event));
}

void EventQueue::finish_later(boost::system::error_code error) {
    if (!waiter_) return;
    boost::asio::post(executor_, [handler = std::move(waiter_), executor = executor_, error]() mutable {
        complete(std::move(handler), executor, error, Event{});
    });
}

void EventQueue::wait(Handler handler) {
    const auto refuse = [&](Errc why) {
        boost::asio::post(executor_, [handler = std::move(handler), executor = executor_, why]() mutable {
            complete(std::move(handler), executor, make_error_code(why), Event{});
        });
    };
    if (closed_ || waiter_) return refuse(Errc::kWatchClosed);
    const auto engine = engine_.lock();
    const bool last_taken = events_.empty() && (!engine || engine->protocol().state() == State::kClosed);
    if (last_taken) return refuse(Errc::kClosed);
    waiter_.swap(handler);  // assigning it recurses without end in Boost 1.81
    ++waits_;
    // An event stays in the queue until its waiter resumes, so that a wait cancelled until then takes none.
    if (!events_.empty()) {
        boost::asio::post(executor_, [queue = weak_from_this()] {
            if (const auto self = queue.lock()) self->deliver();
        });
    }
    auto slot = boost::asio::get_associated_cancellation_slot(waiter_);
    if (!slot.is_connected()) return;
    slot.assign([queue = weak_from_this(), wait = waits_](boost::asio::cancellation_type) {
        const auto self = queue.lock();
        if (self && self->waits_ == wait) self->finish_later(boost::asio::error::operation_aborted);
    });
}

void EventQueue::close() {
    if (std::exchange(closed_, true)) return;
    events_.clear();
    if (const auto engine = engine_.lock()) engine->drop(*this);
    finish_later(make_error_code(Errc::kWatchClosed));
}

// --- Watch: the handle -----------------------------------------------------------------------------------------------

Watch::Watch(std::shared_ptr<EventQueue> queue) : queue_(std::move(queue)) {}
Watch::Watch(Watch&&) noexcept = default;

// Without memory to tell the server of it the process may as well end.
Watch& Watch::operator=(Watch&& other) noexcept {  // NOLINT(bugprone-exception-escape)
    close();
    queue_ = std::move(other.queue_);
    return *this;
}

Watch::~Watch() { close(); }  // NOLINT(bugprone-exception-escape)

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
