// A relay to a server that breaks connections: after as many bytes as it is told to, counted over both directions.
//
//     Proxy proxy(executor, server, [&] { return random_length(); });
//     Client client(executor, proxy.address());
//
// Lifetime  what is under way goes on until stop(), or until the executor is destroyed.
// Threads   the executor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace zabd::client::tests {

/// How many bytes a new connection lives.
using Lifetime = std::function<std::size_t()>;

class Proxy {
public:
    /// `server` is "address:port".
    Proxy(boost::asio::any_io_executor executor, const std::string& server, Lifetime lifetime);
    ~Proxy();

    [[nodiscard]] std::string address() const;
    /// While silent, bytes are held back; connections stay.
    void be_silent(bool silent);
    [[nodiscard]] std::size_t connections_so_far() const;
    /// Ends all connections, and accepts no more.
    void stop();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace zabd::client::tests
