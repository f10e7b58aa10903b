#include "tests/recipes/cable.hpp"

#include "client/hosts.hpp"
#include "tests/recipes/support.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include <array>

namespace zabd::recipes::tests {

using boost::asio::ip::tcp;

struct Cable::State {
    explicit State(asio::any_io_executor executor)
        : acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    tcp::acceptor acceptor;
    bool is_cut = false;
    std::vector<std::weak_ptr<tcp::socket>> ends;  // of all connections
};

namespace {

using Socket = std::shared_ptr<tcp::socket>;

void shut(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.close(ignored);
}

asio::awaitable<void> carry(Socket from, Socket to) {
    std::array<char, 4096> bytes;
    for (;;) {
        const auto [unread, size] = co_await from->async_read_some(asio::buffer(bytes), as_value);
        if (unread) break;
        const auto [unsent, sent] = co_await asio::async_write(*to, asio::buffer(bytes.data(), size), as_value);
        if (unsent) break;
    }
    shut(*from);
    shut(*to);
}

asio::awaitable<Socket> dial_server() {
    const auto server = client::ConnectionString::parse(servers()).value().hosts.front();
    const auto executor = co_await asio::this_coro::executor;
    const auto socket = std::make_shared<tcp::socket>(executor);
    tcp::resolver resolver(executor);
    const auto addresses =
        co_await resolver.async_resolve(server.name, std::to_string(server.port), asio::use_awaitable);
    co_await asio::async_connect(*socket, addresses, as_value);
    co_return socket;
}

template <class State>
asio::awaitable<void> serve(std::shared_ptr<State> state) {
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
        auto [error, accepted] = co_await state->acceptor.async_accept(as_value);
        if (error) co_return;
        const auto near = std::make_shared<tcp::socket>(std::move(accepted));
        if (state->is_cut) continue;
        const auto far = co_await dial_server();
        state->ends.push_back(near);
        state->ends.push_back(far);
        asio::co_spawn(executor, carry(near, far), asio::detached);
        asio::co_spawn(executor, carry(far, near), asio::detached);
    }
}

}  // namespace

Cable::Cable(asio::any_io_executor executor) : state_(std::make_shared<State>(executor)) {
    asio::co_spawn(executor, serve(state_), asio::detached);
}

Cable::~Cable() {
    cut();
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
}

std::string Cable::address() const { return "127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port()); }

void Cable::cut() {
    state_->is_cut = true;
    for (const auto& end : std::exchange(state_->ends, {})) {
        if (const auto socket = end.lock()) shut(*socket);
    }
}

void Cable::mend() { state_->is_cut = false; }

}  // namespace zabd::recipes::tests
