#include "net/peer_dial.hpp"

#include "net/peer_timer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>

#include <utility>
#include <vector>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr int kResolveShare = 4;  // of the timeout, when there is something to fall back on

/// A port of ours that the system chose may be the very one we dial, and then we reach ourselves.
bool connected_to_itself(const tcp::socket& socket) {
    error_code error;
    const auto local = socket.local_endpoint(error);
    return !error && local == socket.remote_endpoint(error);
}

}  // namespace

struct PeerDial::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& io, KnownAddresses& known_addresses, std::string dialled_host, std::uint16_t dialled_port,
         std::chrono::milliseconds timeout, OnDone on_done)
        : resolver(io),
          socket(io),
          timer(io),
          known(known_addresses),
          host(std::move(dialled_host)),
          port(dialled_port),
          deadline(Clock::now() + timeout),
          resolve_timeout(known.contains(host) ? timeout / kResolveShare : timeout),
          done(std::move(on_done)) {}

    void start() {
        error_code not_numeric;
        const auto address = asio::ip::make_address(host, not_numeric);
        if (!not_numeric) {
            endpoints.emplace_back(address, port);
            return asio::post(socket.get_executor(), [self = shared_from_this()] { self->try_next(); });
        }
        timer.start(resolve_timeout, [this] { try_known(); });
        resolver.async_resolve(host, std::to_string(port),
                               [self = shared_from_this()](const error_code& error, const auto& entries) {
                                   self->on_resolved(error, entries);
                               });
    }

    void on_resolved(const error_code& error, const tcp::resolver::results_type& entries) {
        if (!done) return;
        if (!error && !entries.empty()) {
            auto& addresses = known[host];
            addresses.clear();
            for (const auto& entry : entries) addresses.push_back(entry.endpoint().address().to_string());
        }
        if (endpoints.empty()) try_known();
    }

    void try_known() {
        const auto found = known.find(host);
        if (found == known.end()) return finish({});
        for (const auto& address : found->second) endpoints.emplace_back(asio::ip::make_address(address), port);
        try_next();
    }

    void try_next() {
        if (!done) return;
        if (tried == endpoints.size()) return finish({.socket = {}, .refused = refused});
        const auto endpoint = endpoints[tried];
        const auto share = (deadline - Clock::now()) / static_cast<int>(endpoints.size() - tried);
        timer.start(share, [this] {
            error_code ignored;
            socket.close(ignored);  // whose handler then goes on
        });
        ++tried;
        socket = tcp::socket(socket.get_executor());
        socket.async_connect(endpoint, [self = shared_from_this(), endpoint](error_code error) {
            if (!error && connected_to_itself(self->socket)) error = asio::error::connection_refused;
            if (error) return self->on_failure(error);
            self->on_connected(endpoint);
        });
    }

    void on_failure(const error_code& error) {
        refused = refused || error == asio::error::connection_refused;
        try_next();
    }

    void on_connected(const tcp::endpoint& endpoint) {
        if (!done) return;
        error_code error;
        const int descriptor = socket.release(error);
        if (error) return finish({});
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        finish({.socket = {.descriptor = descriptor,
                           .ipv6 = endpoint.protocol() == tcp::v6(),
                           .address = endpoint.address().to_string(),
                           .port = endpoint.port()}});
    }

    void finish(const DialOutcome& outcome) {
        timer.stop();
        if (auto tell = std::exchange(done, {})) tell(outcome);
    }

    void give_up() {
        error_code ignored;
        done = {};
        timer.stop();
        resolver.cancel();
        socket.close(ignored);
    }

    tcp::resolver resolver;
    tcp::socket socket;
    PeerTimer timer;
    KnownAddresses& known;  // not to be touched once done
    const std::string host;
    const std::uint16_t port;
    const Clock::time_point deadline;
    const std::chrono::milliseconds resolve_timeout;
    OnDone done;
    std::vector<tcp::endpoint> endpoints;
    std::size_t tried = 0;
    bool refused = false;
};

PeerDial::PeerDial(asio::io_context& io, KnownAddresses& known, const std::string& host, std::uint16_t port,
                   std::chrono::milliseconds timeout, OnDone done)
    : impl_(std::make_shared<Impl>(io, known, host, port, timeout, std::move(done))) {
    impl_->start();
}

PeerDial::~PeerDial() { impl_->give_up(); }

}  // namespace zabd::net
