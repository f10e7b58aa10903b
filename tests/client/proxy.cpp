#include "tests/client/proxy.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <utility>

namespace zabd::client::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

tcp::endpoint endpoint_of(const std::string& server) {
    const auto colon = server.rfind(':');
    return {asio::ip::make_address(server.substr(0, colon)),
            static_cast<std::uint16_t>(std::stoi(server.substr(colon + 1)))};
}

}  // namespace

struct Proxy::State : std::enable_shared_from_this<State> {
    struct Link {
        tcp::socket near;
        tcp::socket far;
        std::size_t bytes_left;

        void close() {
            boost::system::error_code ignored;
            near.close(ignored);
            far.close(ignored);
        }
    };

    State(const asio::any_io_executor& executor, const std::string& target, Lifetime each_lives)
        : server(endpoint_of(target)),
          lifetime(std::move(each_lives)),
          acceptor(executor, {asio::ip::address_v4::loopback(), 0}),
          spoken(executor, asio::steady_timer::time_point::max()) {}

    asio::awaitable<void> accept_all() {
        const auto self = shared_from_this();
        for (;;) {
            auto [error, socket] = co_await acceptor.async_accept(as_value);
            if (error) co_return;
            ++accepted;
            auto executor = socket.get_executor();
            const auto link = std::make_shared<Link>(Link{std::move(socket), tcp::socket(executor), lifetime()});
            asio::co_spawn(executor, relay(self, link), asio::detached);
        }
    }

    static asio::awaitable<void> relay(std::shared_ptr<State> self, std::shared_ptr<Link> link) {
        self->links.insert(link);
        const auto [error] = co_await link->far.async_connect(self->server, as_value);
        if (!error) {
            asio::co_spawn(link->near.get_executor(), pump(self, link, link->far, link->near), asio::detached);
            co_await pump(self, link, link->near, link->far);
        }
        link->close();
        self->links.erase(link);
    }

    static asio::awaitable<void> pump(std::shared_ptr<State> self, std::shared_ptr<Link> link, tcp::socket& from,
                                      tcp::socket& to) {
        std::array<char, 8192> buffer;
        for (;;) {
            const auto [error, size] = co_await from.async_read_some(asio::buffer(buffer), as_value);
            while (self->silent) co_await self->spoken.async_wait(as_value);
            if (error) break;
            const auto passed = std::min(size, link->bytes_left);
            link->bytes_left -= passed;
            const auto [failed, written] = co_await asio::async_write(to, asio::buffer(buffer, passed), as_value);
            if (failed || link->bytes_left == 0) break;
        }
        link->close();
    }

    tcp::endpoint server;
    Lifetime lifetime;
    tcp::acceptor acceptor;
    asio::steady_timer spoken;  // cancelled when there is something new
    std::set<std::shared_ptr<Link>> links;
    std::size_t accepted = 0;
    bool silent = false;
};

Proxy::Proxy(boost::asio::any_io_executor executor, const std::string& server, Lifetime lifetime)
    : state_(std::make_shared<State>(executor, server, std::move(lifetime))) {
    asio::co_spawn(executor, state_->accept_all(), asio::detached);
}

Proxy::~Proxy() { stop(); }

std::string Proxy::address() const { return "127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port()); }

void Proxy::be_silent(bool silent) {
    state_->silent = silent;
    state_->spoken.cancel();
}

std::size_t Proxy::connections_so_far() const { return state_->accepted; }

void Proxy::stop() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    for (const auto& link : state_->links) link->close();
    be_silent(false);
}

}  // namespace zabd::client::tests
