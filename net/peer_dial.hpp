// One attempt to connect to a server: resolves its name, then tries its addresses one after the other.
//
// Names     are resolved anew each time, as a server may have moved. When that fails, or takes a quarter of the timeout, what
//           the name meant before has to do: an ensemble does not wait for a name server that is down.
// Threads   the io_context's one thread; the name is resolved beside it.
// Bounds    all of it ends within the timeout, of which each address has its share.
#pragma once

#include "net/listener.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zabd::net {

struct DialOutcome {
    Accepted socket;       // the descriptor is -1 if there is none; else the receiver owns it
    bool refused = false;  // nobody listens there: the host is up, its server not yet
};

/// What names meant when they were resolved last: addresses in text form.
using KnownAddresses = std::map<std::string, std::vector<std::string>>;

class PeerDial {
public:
    using OnDone = std::function<void(const DialOutcome& outcome)>;

    /// `done` comes once, later, unless the object is gone by then: that gives the attempt up. `known` outlives it.
    PeerDial(boost::asio::io_context& io, KnownAddresses& known, const std::string& host, std::uint16_t port,
             std::chrono::milliseconds timeout, OnDone done);
    ~PeerDial();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
