// Sessions of our own at our own client port, by which admin writes: such a write goes the way of any client's, with
// the same checks, log, quorum and audit.
//
// Identity  one session for each digest identity that a Caller has, and one for all callers without. They have the ip
//           identity of this machine, not the caller's.
// Bounds    at most kSessionsMax; one that nobody used for kIdleMax is closed.
// Threads   the admin thread's.
#pragma once

#include "server/admin/router.hpp"
#include "wire/connect.hpp"
#include "wire/ids.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}
namespace zabd::client {
class Client;
}

namespace zabd::server::admin {

class Clients {
public:
    static constexpr std::size_t kSessionsMax = 16;
    static constexpr std::chrono::seconds kIdleMax{60};
    /// What any operation of the sessions may take, with connecting.
    static constexpr std::chrono::milliseconds kOperationMax{5000};

    /// Connects to nobody before there is something to do. `address` as Config::client_address: empty is loopback.
    /// `io` outlives it; `port` 0: not known yet, see set_port().
    Clients(boost::asio::io_context& io, std::string address, std::uint16_t port);
    ~Clients();
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;

    /// For a client port that the system chose. Before the first of().
    void set_port(std::uint16_t port);

    /// The caller's session, begun if there is none; it may still be connecting, operations wait for that. Keep the
    /// pointer while an operation runs. Null: kSessionsMax others are in use, or the port is not known.
    [[nodiscard]] std::shared_ptr<client::Client> of(const Caller& caller);

    /// Takes the session over, as its own client could, and closes it: its ephemerals go, whoever was connected is cut
    /// off. False: it is over already, the password is not its own, or there was no answer in kOperationMax.
    [[nodiscard]] boost::asio::awaitable<bool> close_session(SessionId id, wire::Password password);

    /// Closes all sessions, as far as the io_context still runs; of() gives none afterwards.
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::server::admin
