#include "net/http_transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kDrainedBytesMax = 16 << 20;

class PlainTransport final : public HttpTransport {
public:
    explicit PlainTransport(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    asio::awaitable<ErrorCode> shake_hands() override { co_return ErrorCode{}; }

    asio::awaitable<Read> read_some(asio::mutable_buffer buffer) override {
        const auto [error, bytes] = co_await socket_.async_read_some(buffer, kAsValue);
        co_return Read{.error = error, .bytes = bytes};
    }

    asio::awaitable<ErrorCode> write(asio::const_buffer buffer) override {
        const auto [error, bytes] = co_await asio::async_write(socket_, buffer, kAsValue);
        co_return error;
    }

    asio::awaitable<void> finish(bool) override { return drain(socket_); }

    void close() override {
        ErrorCode ignored;
        socket_.close(ignored);
    }

private:
    asio::ip::tcp::socket socket_;
};

}  // namespace

asio::awaitable<void> drain(asio::ip::tcp::socket& socket) {
    HttpTransport::ErrorCode ignored;
    socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    std::array<char, 16 << 10> nobody{};
    for (std::size_t drained = 0; drained < kDrainedBytesMax;) {
        const auto [error, bytes] = co_await socket.async_read_some(asio::buffer(nobody), kAsValue);
        if (error) co_return;
        drained += bytes;
    }
}

std::unique_ptr<HttpTransport> plain_transport(asio::ip::tcp::socket socket) {
    return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace zabd::net
