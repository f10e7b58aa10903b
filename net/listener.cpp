#include "net/listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kRest{100};  // without descriptors
constexpr int kAcceptsPerTurnMax = 64;           // then other sockets have their turn

Error io_error(const std::string& address, std::uint16_t port, const error_code& error) {
    return {Errc::kIo, "cannot listen on " + (address.empty() ? "*" : address) + ":" + std::to_string(port) + ": " +
                           error.message()};
}

std::vector<tcp::endpoint> endpoints_of(asio::io_context& io, const std::string& address, std::uint16_t port,
                                        error_code& error) {
    if (address.empty()) return {{asio::ip::address_v6::any(), port}, {asio::ip::address_v4::any(), port}};
    std::vector<tcp::endpoint> endpoints;
    tcp::resolver resolver{io};
    for (const auto& entry : resolver.resolve(address, std::to_string(port), error)) {
        endpoints.push_back(entry.endpoint());
    }
    return endpoints;
}

void bind_and_listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, int backlog, error_code& error) {
    if (acceptor.is_open()) acceptor.close(error);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(backlog < 0 ? int{tcp::acceptor::max_listen_connections} : backlog, error);
    if (!error) acceptor.non_blocking(true, error);
}

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

Accepted describe(int descriptor, const tcp::endpoint& peer) {
    auto address = peer.address();
    if (address.is_v6()) {
        auto v6 = address.to_v6();
        v6.scope_id(0);
        address = v6.is_v4_mapped() ? asio::ip::address{asio::ip::make_address_v4(asio::ip::v4_mapped, v6)}
                                    : asio::ip::address{v6};
    }
    return {.descriptor = descriptor,
            .ipv6 = peer.protocol() == tcp::v6(),
            .address = address.to_string(),
            .port = peer.port()};
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& io, OnAccept handler) : acceptor(io), rest(io), on_accept(std::move(handler)) {}
    ~Impl() {
        if (spare >= 0) ::close(spare);
    }

    void wait() {
        acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](const error_code& error) {
            if (!error) self->accept_those_waiting();
        });
    }

    void accept_those_waiting() {
        for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
            const auto outcome = accept_one();
            if (outcome == Outcome::kNobody) break;
            if (outcome == Outcome::kExhausted) return shed();
        }
        if (acceptor.is_open()) wait();
    }

    enum class Outcome { kAccepted, kNobody, kExhausted };
    Outcome accept_one() {
        if (!acceptor.is_open()) return Outcome::kNobody;  // closed by on_accept
        tcp::endpoint peer;
        auto size = static_cast<socklen_t>(peer.capacity());
        const int descriptor = ::accept4(acceptor.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            peer.resize(size);
            on_accept(describe(descriptor, peer));
            return Outcome::kAccepted;
        }
        const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return exhausted ? Outcome::kExhausted : Outcome::kNobody;
    }

    void shed() {
        if (spare >= 0) {
            ::close(spare);
            const int descriptor = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
            if (descriptor >= 0) ::close(descriptor);
        }
        spare = open_spare();
        rest.expires_after(kRest);
        rest.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && self->acceptor.is_open()) self->wait();
        });
    }

    tcp::acceptor acceptor;
    asio::steady_timer rest;
    OnAccept on_accept;
    int spare = open_spare();
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
    error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->rest.cancel();
}

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& io, const std::string& address, std::uint16_t port,
                                                 int backlog, OnAccept on_accept) {
    auto impl = std::make_shared<Impl>(io, std::move(on_accept));
    error_code error;
    const auto endpoints = endpoints_of(io, address, port, error);
    for (const auto& endpoint : endpoints) {
        bind_and_listen(impl->acceptor, endpoint, backlog, error);
        if (!error || error == asio::error::address_in_use) break;
    }
    if (error) return std::unexpected(io_error(address, port, error));
    impl->wait();
    return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::uint16_t Listener::port() const {
    error_code error;
    return impl_->acceptor.local_endpoint(error).port();
}

}  // namespace zabd::net
