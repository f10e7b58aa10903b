// A watch as a value: a bounded queue of events that one awaits.
//
//     auto watch = co_await client.watch("/services", /*recursive=*/true);
//     for (;;) { auto event = co_await watch.next(); ... }
//
// Order     events come in the session's order, and before any answer that shows what caused them: an event that an
//           operation's completion would make stale is in the queue when that completion runs. Changes of the
//           connection's state stand in the same queue, in their place.
// Bounds    `capacity` events; what comes when it is full is dropped together with all that wait, and kLagged stands
//           in their place, so that one reads anew.
// Gaps      while the connection is down, persistent watches miss events and nobody makes up for them: after a kState
//           event with kConnected, read anew. One-shot watches are armed again and fire for what was missed.
// Lifetime  closing or destroying it takes its registrations away, on the server too. It outlives its client harmlessly.
// Threads   those of its Client.
#pragma once

#include "client/types.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace zabd::client {

class Engine;
class EventQueue;

inline constexpr std::size_t kWatchCapacity = 1024;  // events

class Watch {
public:
    using executor_type = boost::asio::any_io_executor;
    using Signature = void(boost::system::error_code, Event);

    Watch() = default;  // none: next() is for those that a Client made
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    /// The next event; waits for it. One waiter at a time. kWatchClosed after close(), kClosed when the client is closed
    /// and all that came before has been taken. Cancelling takes no event.
    template <boost::asio::completion_token_for<Signature> Token = boost::asio::use_awaitable_t<>>
    auto next(Token&& token = {}) {
        return boost::asio::async_initiate<Token, Signature>(
            [queue = queue_](auto handler) { start_next(queue, Handler(std::move(handler))); }, token);
    }
    /// The next event if there is one already.
    std::optional<Event> poll();

    [[nodiscard]] bool open() const;
    void close();
    [[nodiscard]] executor_type get_executor() const;

private:
    friend class Client;
    friend class RequestMaker;
    using Handler = boost::asio::any_completion_handler<Signature>;

    explicit Watch(std::shared_ptr<EventQueue> queue);
    static void start_next(const std::shared_ptr<EventQueue>& queue, Handler handler);

    std::shared_ptr<EventQueue> queue_;
};

}  // namespace zabd::client
