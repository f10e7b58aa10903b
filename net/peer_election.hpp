// The election's mesh: the rules of its connections. See peer_links.hpp for what holds.
#pragma once

#include "net/listener.hpp"
#include "net/peer_dial.hpp"
#include "net/peer_links.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace zabd::net {

class PeerElection {
public:
    /// `schedule_turn` asks for a flush() soon. All that is given outlives it.
    PeerElection(boost::asio::io_context& io, const PeerLinksOptions& options, KnownAddresses& known,
                 PeerEvents& events, PeerLinks::Counts& counts, std::function<void()> schedule_turn);
    ~PeerElection();

    /// A connection on the election port.
    void accept(const Accepted& accepted);
    void send(ServerId to, std::string_view payload);
    void connect_all();
    void flush();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::net
