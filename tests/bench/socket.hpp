// What the generator and the echo server need of TCP and epoll, and nothing more.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct epoll_event;

namespace zabd::bench {

/// Owns a file descriptor.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

/// Allows as many descriptors as the system lets us; throws Failure if they are fewer than `needed`.
void raise_descriptor_limit(std::size_t needed);

/// `host` is a dotted IPv4 address.
/// Of one server, or of the members of an ensemble.
using Addresses = std::vector<sockaddr_in>;
sockaddr_in address_of(const std::string& host, std::uint16_t port);
/// Loopback address number `index` besides 127.0.0.1, to connect from: each has ports of its own.
sockaddr_in source_address(std::size_t index);

/// A connected blocking socket without Nagle's delay. From a port of `source` if one is given.
Descriptor connect_to(const sockaddr_in& server, const std::optional<sockaddr_in>& source = {});
Descriptor listen_on(const sockaddr_in& address);
void set_non_blocking(const Descriptor& descriptor);

/// The non-blocking end of a connection: bytes that could not be sent yet are kept.
class Stream {
public:
    explicit Stream(Descriptor socket);

    [[nodiscard]] int fd() const { return socket_.get(); }
    /// To be appended to; flush() sends it.
    std::string& out() { return out_; }
    /// False if something is left that the socket does not take now. Throws Failure if the connection is lost.
    bool flush();
    /// What has arrived, up to the size of `buffer`: empty if nothing has, nullopt at the other side's end.
    std::optional<std::string_view> read_some(std::span<char> buffer);

private:
    Descriptor socket_;
    std::string out_;
};

/// Level-triggered epoll over streams that are numbered by their user.
class Poller {
public:
    explicit Poller(std::size_t events_max = 1024);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    void add(int fd, std::size_t number);
    /// Whether `fd` is also waited for until it can be written to.
    void watch_writable(int fd, std::size_t number, bool on);
    /// Numbers of the descriptors that something has happened to. The view is good until the next call.
    std::span<const std::size_t> wait(std::chrono::nanoseconds timeout);

private:
    void control(int operation, int fd, std::size_t number, std::uint32_t events);

    Descriptor epoll_;
    std::vector<epoll_event> events_;
    std::vector<std::size_t> ready_;
};

}  // namespace zabd::bench
