#include "tests/bench/socket.hpp"

#include "tests/bench/failure.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

namespace zabd::bench {
namespace {

constexpr int kBacklog = 4096;

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

void set_option(const Descriptor& socket, int level, int option, const char* name) {
    const int on = 1;
    if (::setsockopt(socket.get(), level, option, &on, sizeof on) != 0) fail_with_errno(name);
}

Descriptor new_socket() {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) fail_with_errno("socket");
    return socket;
}

bool would_block() { return errno == EAGAIN; }

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

void raise_descriptor_limit(std::size_t needed) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail_with_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) fail_with_errno("setrlimit");
    if (limit.rlim_cur < needed)
        throw Failure(std::to_string(needed) + " descriptors are needed and " + std::to_string(limit.rlim_cur) +
                      " allowed: raise the hard limit (ulimit -Hn)");
}

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) throw Failure(host + " is not an IPv4 address");
    return address;
}

sockaddr_in source_address(std::size_t index) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f010001u + static_cast<std::uint32_t>(index));  // 127.1.0.1 and on
    return address;
}

Descriptor connect_to(const sockaddr_in& server, const std::optional<sockaddr_in>& source) {
    auto socket = new_socket();
    if (source) {
        set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT");
        if (::bind(socket.get(), generic(*source), sizeof *source) != 0) fail_with_errno("bind");
    }
    if (::connect(socket.get(), generic(server), sizeof server) != 0) fail_with_errno("connect");
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
    return socket;
}

Descriptor listen_on(const sockaddr_in& address) {
    auto socket = new_socket();
    set_option(socket, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
    if (::bind(socket.get(), generic(address), sizeof address) != 0) fail_with_errno("bind");
    if (::listen(socket.get(), kBacklog) != 0) fail_with_errno("listen");
    return socket;
}

void set_non_blocking(const Descriptor& descriptor) {
    if (::fcntl(descriptor.get(), F_SETFL, O_NONBLOCK) != 0) fail_with_errno("O_NONBLOCK");
}

Stream::Stream(Descriptor socket) : socket_(std::move(socket)) { set_non_blocking(socket_); }

bool Stream::flush() {
    if (out_.empty()) return true;
    const auto size = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (size < 0 && !would_block()) fail_with_errno("send");
    if (size > 0) out_.erase(0, static_cast<std::size_t>(size));
    return out_.empty();
}

std::optional<std::string_view> Stream::read_some(std::span<char> buffer) {
    const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(size));
    if (size < 0 && would_block()) return std::string_view();
    if (size < 0 && errno != ECONNRESET) fail_with_errno("recv");
    return std::nullopt;
}

Poller::Poller(std::size_t events_max) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), events_(events_max) {
    if (epoll_.get() < 0) fail_with_errno("epoll_create1");
}

Poller::~Poller() = default;

void Poller::add(int fd, std::size_t number) { control(EPOLL_CTL_ADD, fd, number, EPOLLIN); }

void Poller::watch_writable(int fd, std::size_t number, bool on) {
    control(EPOLL_CTL_MOD, fd, number, on ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

std::span<const std::size_t> Poller::wait(std::chrono::nanoseconds timeout) {
    constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
    const std::timespec duration{timeout.count() / kNanosPerSecond, timeout.count() % kNanosPerSecond};
    const int count =
        ::epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()), &duration, nullptr);
    if (count < 0 && errno != EINTR) fail_with_errno("epoll_pwait2");
    ready_.clear();
    for (int i = 0; i < count; ++i) ready_.push_back(events_[static_cast<std::size_t>(i)].data.u64);
    return ready_;
}

void Poller::control(int operation, int fd, std::size_t number, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) fail_with_errno("epoll_ctl");
}

}  // namespace zabd::bench
