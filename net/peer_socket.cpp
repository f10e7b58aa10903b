#include "net/peer_socket.hpp"

#include "net/outbox.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 128 << 10;

void set(int descriptor, int level, int option, int value) {
    ::setsockopt(descriptor, level, option, &value, sizeof value);
}

}  // namespace

struct PeerSocket::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& io, const Accepted& accepted, PeerSocketEvents& socket_events)
        : socket(io), events(&socket_events) {
        error_code ignored;
        socket.assign(accepted.ipv6 ? tcp::v6() : tcp::v4(), accepted.descriptor, ignored);
        socket.non_blocking(true, ignored);
        socket.set_option(tcp::no_delay(true), ignored);
    }

    void wait_for_input() {
        socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
            if (self->open) self->read(error);
        });
    }

    void read(error_code error) {
        if (error) return lose();
        std::array<char, kReadBytes> buffer;
        const auto size = socket.read_some(asio::buffer(buffer), error);
        if (error && error != asio::error::would_block) return lose();
        if (size != 0) events->on_bytes({buffer.data(), size});
        if (open) wait_for_input();
    }

    void flush() {
        if (!open || writing) return;
        error_code error;
        write_out(error);
        if (error == asio::error::would_block) return wait_for_room();
        if (error) return lose();
        (void)outbox.release();
    }

    /// What the socket takes at once; `error` says why that is not all.
    void write_out(error_code& error) {
        while (!outbox.empty() && !error) {
            const auto waiting = outbox.waiting();
            outbox.take(socket.write_some(asio::buffer(waiting.data(), waiting.size()), error));
        }
    }

    void wait_for_room() {
        writing = true;
        socket.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& error) {
            self->writing = false;
            if (!self->open) return;
            if (error) return self->lose();
            self->flush();
            if (self->open) self->events->on_room();
        });
    }

    void close() {
        error_code ignored;
        open = false;
        socket.close(ignored);
    }

    void lose() {
        if (!open) return;
        close();
        asio::post(socket.get_executor(), [self = shared_from_this()] {
            if (!self->abandoned) self->events->on_lost();
        });
    }

    tcp::socket socket;
    PeerSocketEvents* events;
    Outbox outbox;
    bool open = true;
    bool abandoned = false;
    bool writing = false;  // a wait for room is under way
};

PeerSocket::PeerSocket(asio::io_context& io, const Accepted& accepted, PeerSocketEvents& events)
    : impl_(std::make_shared<Impl>(io, accepted, events)) {
    impl_->wait_for_input();
}

PeerSocket::~PeerSocket() {
    impl_->abandoned = true;
    error_code ignored;
    if (impl_->open) impl_->write_out(ignored);
    impl_->close();
}

void PeerSocket::set_events(PeerSocketEvents& events) { impl_->events = &events; }

void PeerSocket::watch_for_silence() {
    const int descriptor = impl_->socket.native_handle();
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 4);
    set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
}

void PeerSocket::send(std::string_view bytes) {
    if (impl_->open) impl_->outbox.append(bytes);
}

void PeerSocket::flush() { impl_->flush(); }

std::size_t PeerSocket::waiting_bytes() const { return impl_->outbox.size(); }

bool PeerSocket::open() const { return impl_->open; }

void PeerSocket::break_off() { impl_->lose(); }

}  // namespace zabd::net
