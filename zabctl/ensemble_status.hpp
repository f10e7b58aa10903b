// How each server of an ensemble is, as its four-letter words tell; no session and no quorum are needed.
#pragma once

#include "client/hosts.hpp"
#include "client/types.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

/// Empty text: not told.
struct ServerStatus {
    client::Host host;
    std::string problem;  // empty: it serves
    bool alive = false;   // something answered
    std::string role;     // leader, follower, observer, standalone, read-only
    std::string zxid;
    std::string epoch;
    std::string latency;  // min/avg/max ms
    std::string connections;
    std::string nodes;
    std::string outstanding;
    std::string version;
};

boost::asio::awaitable<ServerStatus> status_of(client::Host host, client::Millis timeout);

/// The client addresses in a configuration's "server.N=..." lines; a wildcard becomes the member's own address.
[[nodiscard]] std::vector<client::Host> members_of(std::string_view configuration);

}  // namespace zabd::zabctl
