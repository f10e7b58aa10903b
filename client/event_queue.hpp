// What a Watch holds: the events that nobody has taken, or who waits for the next one.
#pragma once

#include "client/watch.hpp"
#include "client/watch_registry.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace zabd::client {

class EventQueue final : public EventSink, public std::enable_shared_from_this<EventQueue> {
public:
    using Handler = boost::asio::any_completion_handler<Watch::Signature>;

    EventQueue(std::weak_ptr<Engine> engine, boost::asio::any_io_executor executor, std::size_t capacity)
        : engine_(std::move(engine)), executor_(std::move(executor)), capacity_(capacity) {}

    void take(const Event& event) override;
    std::optional<Event> poll();
    void wait(Handler handler);
    /// The Watch is gone or closed.
    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    /// The executor is: nobody can be told any more.
    [[nodiscard]] Handler abandon() { return std::move(waiter_); }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

private:
    /// Gives the next event to whoever waits, if both are there.
    void deliver();
    /// Whoever waits waits no more.
    void finish_later(boost::system::error_code error);

    std::weak_ptr<Engine> engine_;
    boost::asio::any_io_executor executor_;
    std::size_t capacity_;
    std::deque<Event> events_;
    Handler waiter_;
    std::uint64_t waits_ = 0;  // so far: names the current one
    bool closed_ = false;
};

}  // namespace zabd::client
