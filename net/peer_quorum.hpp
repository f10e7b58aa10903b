// Links on the quorum ports. See peer_links.hpp for what holds.
#pragma once

#include "net/listener.hpp"
#include "net/peer_dial.hpp"
#include "net/peer_links.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace zabd::net {

class PeerQuorum {
public:
    /// `schedule_turn` asks for a turn() soon. All that is given outlives it.
    PeerQuorum(boost::asio::io_context& io, const PeerLinksOptions& options, KnownAddresses& known, PeerEvents& events,
               PeerLinks::Counts& counts, std::function<void()> schedule_turn);
    ~PeerQuorum();

    /// A connection on the quorum port.
    void accept(const Accepted& accepted);
    void dial(ServerId leader);
    void send(LinkId link, std::string_view bytes);
    void close(LinkId link);
    void send_stream(LinkId link, std::function<StreamPull(std::string& chunk)> pull, std::function<void()> done);
    void resume_stream(LinkId link);
    [[nodiscard]] std::size_t queued_bytes(LinkId link) const;

    /// Streams have their share, and congestion is told. Not from within a call of the owner's.
    void turn();
    void flush();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::net
