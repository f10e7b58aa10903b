// A listening TCP socket: accepts, and hands descriptors over.
//
// Threads   everything on the io_context's one thread.
// Bounds    when the process has no descriptor left, a spare one is given up for a moment to take the waiting
//           connection and close it, and accepting rests for a while: peers see a close instead of a hang, and the loop
//           does not spin.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace zabd::net {

/// A connected TCP socket, non-blocking and closed on exec. The receiver owns the descriptor.
struct Accepted {
    int descriptor = -1;
    bool ipv6 = false;    // family of the socket, not of the address
    std::string address;  // text; IPv4 also when it came through an IPv6 socket
    std::uint16_t port = 0;
};

class Listener {
public:
    using OnAccept = std::function<void(Accepted)>;

    /// Binds and listens. `address` empty: all, IPv4 and IPv6; a name is resolved. `port` 0 takes a free one.
    /// `backlog` below 0: the system's maximum.
    static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& io, const std::string& address,
                                                  std::uint16_t port, int backlog, OnAccept on_accept);
    ~Listener();

    [[nodiscard]] std::uint16_t port() const;

private:
    struct Impl;
    explicit Listener(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
