#include "net/http_session.hpp"
#include "net/listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <exception>
#include <utility>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kBacklog = 128;
constexpr std::size_t kTurnedAwayMax = 64;  // connections that are being told so, beyond connections_max

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
    Impl(asio::io_context& context, HttpOptions options, HttpHandler handler)
        : io(context),
          shared(
              std::make_shared<HttpShared>(HttpShared{.options = std::move(options), .handler = std::move(handler)})) {}

    void take(const Accepted& accepted) {
        tcp::socket socket{io};
        boost::system::error_code error;
        socket.assign(accepted.ipv6 ? tcp::v6() : tcp::v4(), accepted.descriptor, error);
        if (error) {
            ::close(accepted.descriptor);
            return;
        }
        const auto there = shared->sessions.size();
        if (there >= shared->options.connections_max + kTurnedAwayMax) return;  // closes it
        socket.set_option(tcp::no_delay(true), error);
        auto transport = tls ? tls_transport(std::move(socket), tls) : plain_transport(std::move(socket));
        const auto session = std::make_shared<HttpSession>(io, shared, std::move(transport), accepted.address);
        serve(session, there >= shared->options.connections_max);
    }

    void serve(const std::shared_ptr<HttpSession>& session, bool turned_away) {
        auto task = session->run(turned_away);
        auto done = [session, shared = shared](const std::exception_ptr& exception) {
            if (!exception || !shared->options.on_failure) return;
            try {
                std::rethrow_exception(exception);
            } catch (const std::exception& what) {
                shared->options.on_failure(what.what());
            }  // run() lets nothing else out
        };
        asio::co_spawn(io, std::move(task), std::move(done));
    }

    asio::io_context& io;
    std::shared_ptr<HttpShared> shared;
    TlsContext tls;
    std::vector<std::unique_ptr<Listener>> listeners;
};

HttpServer::HttpServer(asio::io_context& io, HttpOptions options, HttpHandler handler)
    : impl_(std::make_shared<Impl>(io, std::move(options), std::move(handler))) {}

HttpServer::~HttpServer() { stop(); }

Result<void> HttpServer::listen(const std::string& address, std::uint16_t port) {
    const auto& options = impl_->shared->options;
    if (!impl_->tls && !options.tls_key_file.empty()) {
        auto context = tls_context(options.tls_certificate_file, options.tls_key_file);
        if (!context) return std::unexpected(context.error());
        impl_->tls = std::move(*context);
    }
    auto on_accept = [weak = impl_->weak_from_this()](const Accepted& accepted) {
        if (const auto self = weak.lock()) return self->take(accepted);
        ::close(accepted.descriptor);
    };
    auto listener = Listener::open(impl_->io, address, port, kBacklog, std::move(on_accept));
    if (!listener) return std::unexpected(listener.error());
    impl_->listeners.push_back(std::move(*listener));
    return {};
}

std::uint16_t HttpServer::port() const { return impl_->listeners.empty() ? 0 : impl_->listeners.front()->port(); }

void HttpServer::stop() {
    impl_->listeners.clear();
    for (auto* session : impl_->shared->sessions) session->close();
}

}  // namespace zabd::net
