#include "client/engine.hpp"

#include "client/completion.hpp"
#include "client/error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace zabd::client {
namespace {

namespace asio = boost::asio;
using boost::asio::ip::tcp;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kInputBytes = 64 << 10;
constexpr std::size_t kReadsPerTurn = 16;
constexpr Millis kCloseTimeout{1'000};
constexpr Millis kProbeTimeout{1'000};
constexpr Millis kProbePauseMax{60'000};

ConnectionString parsed(std::string_view text) { return ConnectionString::parse(text).value_or(ConnectionString()); }

}  // namespace

Engine::Engine(Executor executor, std::string_view connection_string, const Options& options)
    : executor_(std::move(executor)),
      options_(options),
      target_(parsed(connection_string)),
      protocol_(options, target_.chroot),
      random_(std::random_device{}()),
      socket_(executor_),
      resolver_(executor_),
      timer_(executor_),
      dial_timer_(executor_),
      quorum_timer_(executor_),
      close_timer_(executor_),
      input_(kInputBytes) {
    if (target_.hosts.empty()) bad_ = Errc::kBadArguments;
    if (options_.shuffle_hosts) std::ranges::shuffle(target_.hosts, random_);
}

Engine::~Engine() = default;

Instant Engine::now() {
    return Instant(std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
}

void Engine::start() {
    // Goes with the coroutine: when it has ended, or when the executor is destroyed, even before it began.
    const std::shared_ptr<void> release(nullptr, [self = shared_from_this()](void*) { self->let_go(); });
    asio::co_spawn(
        executor_, [this, release] { return keep_connected(); }, asio::detached);
}

void Engine::stop() {
    if (std::exchange(stopped_, true)) return;
    // Posted: those who wait must not complete from within whatever the owner is doing.
    asio::post(executor_, [self = shared_from_this()] {
        if (self->protocol_.state() != State::kClosed) self->protocol_.close(nullptr, now());
        self->hang_up();
    });
}

// --- what the client asks --------------------------------------------------------------------------------------------

Protocol::Number Engine::submit(Request request, std::unique_ptr<Call> call) {
    auto refusal = bad_ ? bad_ : protocol_.refusal(request);
    if (stopped_) refusal = Errc::kClosed;
    if (refusal) {
        asio::post(executor_, [call = std::move(call), refusal] { call->finish(refusal, {}); });
        return 0;
    }
    const auto number = protocol_.submit(std::move(request), std::move(call), now());
    write_later();
    if (protocol_.next_wakeup() < timer_at_) set_timer();
    return number;
}

void Engine::give_up(Protocol::Number number, std::error_code error) {
    asio::post(executor_, [self = shared_from_this(), number, error] {
        self->protocol_.give_up(number, error);
        self->settle();
    });
}

void Engine::close(Handler<> handler) {
    class Closed final : public Call {
    public:
        Closed(Handler<> handler, Executor executor) : handler_(std::move(handler)), executor_(std::move(executor)) {}
        void finish(std::error_code, std::string_view) override { complete(std::move(handler_), executor_, {}); }

    private:
        Handler<> handler_;
        Executor executor_;
    };
    asio::post(executor_, [self = shared_from_this(), handler = std::move(handler)]() mutable {
        auto call = std::make_unique<Closed>(std::move(handler), self->executor_);
        if (self->protocol_.state() == State::kClosed) return call->finish({}, {});
        self->protocol_.close(std::move(call), now());
        self->settle();
        if (!self->up_) return self->hang_up();
        self->close_timer_.expires_after(kCloseTimeout);
        self->close_timer_.async_wait([self](const error_code& cancelled) {
            if (!cancelled) self->hang_up();
        });
    });
}

void Engine::wait_connected(Millis timeout, Handler<> handler) {
    const auto deadline = now() + (timeout > Millis(0) ? timeout : options_.operation_timeout);
    const auto number = ++last_connected_waiter_;
    auto slot = asio::get_associated_cancellation_slot(handler);
    connected_waiters_.push_back({std::move(handler), deadline, number});
    if (slot.is_connected()) {
        slot.assign([engine = weak_from_this(), number](asio::cancellation_type) {
            if (const auto self = engine.lock()) self->cancel_connected_waiter(number);
        });
    }
    asio::post(executor_, [self = shared_from_this()] { self->settle(); });
}

void Engine::cancel_connected_waiter(std::uint64_t number) {
    for (auto& waiter : connected_waiters_) waiter.cancelled |= waiter.number == number;
    asio::post(executor_, [self = shared_from_this()] { self->settle(); });
}

void Engine::tell_connected_waiters() {
    const auto state = protocol_.state();
    std::error_code error = bad_;
    if (stopped_ || state == State::kClosed) error = Errc::kClosed;
    if (state == State::kAuthFailed) error = Errc::kAuthFailed;
    if (state == State::kLost && protocol_.over()) error = Errc::kSessionExpired;
    const bool told = error || state == State::kConnected || state == State::kConnectedReadOnly;
    const auto time = now();
    for (auto& waiter : std::exchange(connected_waiters_, {})) {
        if (waiter.cancelled) {
            complete(std::move(waiter.handler), executor_, asio::error::operation_aborted);
        } else if (told || waiter.deadline <= time) {
            complete(std::move(waiter.handler), executor_, told ? error : make_error_code(Errc::kOperationTimeout));
        } else {
            connected_waiters_.push_back(std::move(waiter));
        }
    }
}

std::shared_ptr<EventQueue> Engine::make_queue(std::size_t capacity) {
    auto queue = std::make_shared<EventQueue>(weak_from_this(), executor_, capacity);
    queues_.push_back(queue.get());
    protocol_.add_sink(*queue);
    return queue;
}

void Engine::drop(EventQueue& queue) {
    std::erase(queues_, &queue);
    protocol_.drop_sink(queue, now());
    write_later();
}

void Engine::drop_connection() {
    asio::post(executor_, [self = shared_from_this()] { self->hang_up(); });
}

void Engine::let_go() {
    stopped_ = true;
    up_ = false;  // what goes now must not write either
    const auto waiters = std::exchange(connected_waiters_, {});
    std::vector<EventQueue::Handler> handlers;
    handlers.reserve(queues_.size());
    for (auto* queue : queues_) handlers.push_back(queue->abandon());
    const auto calls = protocol_.abandon();
}

// --- the connection --------------------------------------------------------------------------------------------------

asio::awaitable<void> Engine::keep_connected() {
    while (!bad_ && !protocol_.over()) {
        if (dialled_ != 0 && dialled_ % target_.hosts.size() == 0) {
            const auto duration = backoff();
            co_await pause(duration);
            if (protocol_.over()) break;
        }
        const Host host = next_host();
        ++dialled_;
        const bool connected = co_await dial(host);
        if (!connected || protocol_.over()) continue;
        up_ = true;
        protocol_.connected(now());
        wait_for_input();
        settle();
        // A server that accepts and says nothing is as bad as one that does not accept.
        co_await pause(options_.connect_timeout);
        if (up_ && !protocol_.greeted()) hang_up();
        while (up_) co_await pause(kProbePauseMax);
    }
    // Someone may still wait for an event; they are let go with this coroutine.
    while (protocol_.state() != State::kClosed) co_await pause(kProbePauseMax);
}

/// Ends early when the connection does, or when the client is stopped.
asio::awaitable<void> Engine::pause(Millis duration) {
    dial_timer_.expires_after(duration);
    co_await dial_timer_.async_wait(as_value);
}

Millis Engine::backoff() {
    const auto rounds = std::min<std::size_t>(dialled_ / target_.hosts.size() - 1, 20);
    const auto limit = std::min(options_.backoff_max, options_.backoff_min * (std::int64_t{1} << rounds));
    return Millis(std::uniform_int_distribution<std::int64_t>(0, limit.count())(random_));
}

const Host& Engine::next_host() {
    if (preferred_) {
        const auto found = std::ranges::find(target_.hosts, *std::exchange(preferred_, std::nullopt));
        if (found != target_.hosts.end()) next_host_ = static_cast<std::size_t>(found - target_.hosts.begin());
    }
    const auto& host = target_.hosts[next_host_];
    next_host_ = (next_host_ + 1) % target_.hosts.size();
    return host;
}

asio::awaitable<bool> Engine::dial(const Host& host) {
    const auto self = shared_from_this();
    dial_timer_.expires_after(options_.connect_timeout);
    dial_timer_.async_wait([self](const error_code& cancelled) {
        if (cancelled || self->up_) return;
        self->resolver_.cancel();
        error_code ignored;
        self->socket_.close(ignored);
    });
    const auto service = std::to_string(host.port);
    const auto [unresolved, addresses] = co_await resolver_.async_resolve(host.name, service, as_value);
    if (unresolved || protocol_.over()) co_return false;
    const auto [error, endpoint] = co_await asio::async_connect(socket_, addresses, as_value);
    if (error || !socket_.is_open()) co_return false;
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    server_ = (host.name.contains(':') ? "[" + host.name + "]" : host.name) + ":" + service;
    co_return true;
}

void Engine::hang_up() {
    server_.clear();
    if (std::exchange(up_, false)) protocol_.disconnected(now());
    error_code ignored;
    socket_.close(ignored);
    resolver_.cancel();
    dial_timer_.cancel();
    quorum_timer_.cancel();
    close_timer_.cancel();
    tell_connected_waiters();
    set_timer();
}

void Engine::wait_for_input() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
        if (!error) self->read_what_is_there();
    });
}

void Engine::read_what_is_there() {
    for (std::size_t reads = 0; up_ && reads < kReadsPerTurn; ++reads) {
        error_code error;
        const auto size = socket_.read_some(asio::buffer(input_), error);
        if (error == asio::error::would_block) break;
        if (error) return hang_up();
        protocol_.receive({input_.data(), size}, now());
        if (protocol_.fault()) break;
        if (size < input_.size()) break;
    }
    settle();
    if (up_) wait_for_input();
}

void Engine::write_later() {
    if (!up_ || write_pending_ || protocol_.to_send().empty()) return;
    write_pending_ = true;
    asio::post(executor_, [self = shared_from_this()] {
        self->write_pending_ = false;
        self->write_what_there_is();
    });
}

void Engine::write_what_there_is() {
    while (up_) {
        const auto bytes = protocol_.to_send();
        if (bytes.empty()) return;
        error_code error;
        const auto size = socket_.write_some(asio::buffer(bytes), error);
        if (error == asio::error::would_block) {
            write_pending_ = true;
            socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& failed) {
                self->write_pending_ = false;
                if (!failed) self->write_what_there_is();
            });
            return;
        }
        if (error) return hang_up();
        protocol_.sent(size, now());
    }
}

void Engine::settle() {
    if (up_ && protocol_.fault()) hang_up();
    if (up_ && protocol_.served()) dialled_ = 0;
    write_later();
    if (!connected_waiters_.empty()) tell_connected_waiters();
    if (protocol_.state() == State::kConnectedReadOnly && !looking_for_quorum_) {
        looking_for_quorum_ = true;
        asio::co_spawn(
            executor_, [self = shared_from_this()] { return self->look_for_quorum(); }, asio::detached);
    }
    set_timer();
}

void Engine::set_timer() {
    auto at = protocol_.next_wakeup();
    for (const auto& waiter : connected_waiters_) at = std::min(at, waiter.deadline);
    if (at == timer_at_) return;
    timer_at_ = at;
    if (at == Instant::max()) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point(at.time_since_epoch()));
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (cancelled) return;
        self->timer_at_ = Instant::max();
        self->protocol_.tick(now());
        self->settle();
    });
}

// --- from a server without a quorum to one with ------------------------------------------------------------------------

asio::awaitable<void> Engine::look_for_quorum() {
    Millis wait{100};
    while (protocol_.state() == State::kConnectedReadOnly) {
        quorum_timer_.expires_after(wait);
        co_await quorum_timer_.async_wait(as_value);
        wait = std::min(wait * 2, kProbePauseMax);
        const auto hosts = target_.hosts;
        for (const auto& host : hosts) {
            if (protocol_.state() != State::kConnectedReadOnly) break;
            const bool found = co_await has_quorum(host);
            if (!found || protocol_.state() != State::kConnectedReadOnly) continue;
            preferred_ = host;
            hang_up();
        }
    }
    looking_for_quorum_ = false;
}

asio::awaitable<bool> Engine::has_quorum(const Host& host) {
    const auto socket = std::make_shared<tcp::socket>(executor_);
    asio::steady_timer limit(executor_, kProbeTimeout);
    limit.async_wait([socket](const error_code& cancelled) {
        error_code ignored;
        if (!cancelled) socket->close(ignored);
    });
    tcp::resolver resolver(executor_);
    const auto service = std::to_string(host.port);
    const auto [unresolved, addresses] = co_await resolver.async_resolve(host.name, service, as_value);
    if (unresolved) co_return false;
    const auto [unconnected, endpoint] = co_await asio::async_connect(*socket, addresses, as_value);
    if (unconnected) co_return false;
    const std::string_view word = "isro";
    const auto [unsent, sent_bytes] = co_await asio::async_write(*socket, asio::buffer(word), as_value);
    if (unsent) co_return false;
    std::string answer(2, '\0');
    const auto [unread, bytes] = co_await asio::async_read(*socket, asio::buffer(answer), as_value);
    co_return !unread && answer == "rw";
}

}  // namespace zabd::client
