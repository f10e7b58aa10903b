// The network between a client and one of the servers, which can be cut and mended.
//
//     Cable cable(context);
//     Client client(context.get_executor(), site.connection_string_at(cable.address()));
//     cable.cut();              // connections end, and new ones lead nowhere
//
// Threads   the executor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zabd::recipes::tests {

class Cable {
public:
    /// To the first server of ZABD_CONNECT, from a free port of this host.
    explicit Cable(boost::asio::any_io_executor executor);
    ~Cable();

    /// "127.0.0.1:port".
    [[nodiscard]] std::string address() const;
    void cut();
    void mend();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace zabd::recipes::tests
