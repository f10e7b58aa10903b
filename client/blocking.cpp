#include "client/blocking.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <stdexcept>
#include <variant>

namespace zabd::client {
namespace {

namespace asio = boost::asio;

asio::awaitable<std::optional<Event>> next_within(Watch& watch, Millis timeout) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer(co_await asio::this_coro::executor, timeout);
    auto first = co_await (watch.next() || timer.async_wait(asio::use_awaitable));
    if (first.index() == 1) co_return std::nullopt;
    co_return std::get<0>(std::move(first));
}

}  // namespace

BlockingClient::BlockingClient(std::string_view connection_string, const Options& options) {
    client_.emplace(io_.get_executor(), connection_string, options);
    thread_ = std::thread([this] { io_.run(); });
    try {
        wait([&](auto token) { return client_->connected({}, token); });
    } catch (...) {
        io_.stop();
        thread_.join();
        throw;
    }
}

// close() never fails; without memory to ask for it the process may as well end.
BlockingClient::~BlockingClient() {  // NOLINT(bugprone-exception-escape)
    asio::post(io_, asio::use_future([&] { return client_->close(asio::use_future); })).get().get();
    work_.reset();
    asio::post(io_, [this] { client_.reset(); });
    thread_.join();
}

void BlockingClient::refuse_own_thread() const {
    if (std::this_thread::get_id() == thread_.get_id()) {
        throw std::logic_error("zabd: a blocking call on the client's own thread would wait for itself");
    }
}

BlockingWatch::~BlockingWatch() {  // NOLINT(bugprone-exception-escape)
    if (!watch_.open()) return;
    client_->wait([this](auto token) {
        watch_.close();
        return asio::post(client_->io_, token);
    });
}

std::optional<Event> BlockingWatch::next(Millis timeout) { return client_->run(next_within(watch_, timeout)); }

}  // namespace zabd::client
