// Connections between the servers of an ensemble: the election's mesh, and learners' links to their leader.
//
// Election  one connection for each pair of servers, on the election port, kept by the one with the larger id: the smaller
//           dials, says who it is, and is called back. One message waits for each peer at most; a newer one takes its
//           place. What an old connection swallowed is not said again on a new one, as it may not be true any more: whoever
//           hears of the connection speaks anew. Only servers of the configuration are talked to.
// Quorum    a learner dials its leader's quorum port. Bytes are carried as they come; what they mean is not known here.
// Turns     what is sent collects and leaves in one write per turn of the loop.
// Threads   everything on the io_context's one thread. Names are resolved beside it, anew for each connection.
// Silence   of a link that was closed nothing is told any more.
// Bounds    a frame of the election is at most frame_bytes_max. Of what a learner or leader does not take, beyond
//           congested_bytes is told, until it is less than relieved_bytes; beyond outbox_bytes_max the link is closed.
//           incoming_max connections may be on the election port that have not said who they are, each for hello_timeout;
//           the oldest makes room. As many, and one for each server of the configuration, may have come in on the quorum
//           port, further ones are closed; for how long they may be silent is the owner's to say.
#pragma once

#include "wire/election.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace zabd::net {

struct PeerAddress {
    ServerId server{};
    std::string host{};  // a name, or an address in text form without brackets
    std::uint16_t quorum_port = 0;
    std::uint16_t election_port = 0;
};

struct PeerLinksOptions {
    ServerId self{};
    std::vector<PeerAddress> peers{};  // self among them
    bool listen_on_all = false;        // else on our own host's address
    std::size_t frame_bytes_max = wire::kNotificationBytesMax;
    std::size_t congested_bytes = 1 << 20;
    std::size_t relieved_bytes = 256 << 10;
    std::size_t outbox_bytes_max = 256 << 20;
    std::size_t incoming_max = 64;
    std::chrono::milliseconds election_dial_timeout{5'000};
    std::chrono::milliseconds leader_dial_timeout{2'000};  // for each attempt
    std::chrono::milliseconds hello_timeout{10'000};
    std::chrono::milliseconds callback_timeout{1'000};  // for a peer of larger id to call back
    std::chrono::milliseconds redial_min{50};           // doubles from one attempt to the next, up to
    std::chrono::milliseconds redial_max{1'000};
    std::chrono::milliseconds leader_retry_pause{50};
    int leader_attempts = 5;
};

/// What the owner of the links implements. Calls come one at a time, on the io_context's thread, and never from within a
/// call of PeerLinks's. Views are good during the call.
class PeerEvents {
public:
    virtual void on_election_frame(ServerId from, std::string_view payload) = 0;
    /// True for every new connection. False whenever one breaks, or an attempt fails.
    virtual void on_election_link(ServerId peer, bool up) = 0;
    virtual void on_peer_opened(LinkId link, bool dialled) = 0;
    /// What dial_leader() asked for last has failed.
    virtual void on_peer_unreachable() = 0;
    virtual void on_peer_bytes(LinkId link, std::string_view bytes) = 0;
    /// Not of a link that close() ended.
    virtual void on_peer_closed(LinkId link) = 0;
    virtual void on_peer_congested(LinkId link, bool congested) = 0;
    /// Something that a person has to put right. The same kind at most once a minute.
    virtual void on_peer_warning(std::string_view /*text*/) {}
    /// All input that was there has been handed over: a good time to send what came of it.
    virtual void on_turn_end() = 0;

protected:
    ~PeerEvents() = default;
};

/// What a stream's source answers when it is asked for more.
enum class StreamPull : std::uint8_t {
    kChunk,   // put into the string; ask again
    kLater,   // resume_stream() will tell
    kEnd,     // nothing put, and never any more
    kBroken,  // it cannot go on: the link is closed
};

class PeerLinks {
public:
    /// `io` and `events` outlive it. `io` is run by one thread. Not to be destroyed from within a call of `events`.
    PeerLinks(boost::asio::io_context& io, PeerLinksOptions options, PeerEvents& events);
    ~PeerLinks();

    /// On both ports. Errc::kIo says the address and why.
    Result<void> listen();

    /// To a peer of the configuration. Dials, if there is no connection, until there is one.
    void send_election(ServerId to, std::string_view payload);
    /// Dials every peer to which there is no connection, until there is one.
    void connect_all();

    /// Then on_peer_opened or on_peer_unreachable. An attempt that is under way is given up.
    void dial_leader(ServerId leader);
    /// A link that is gone is no error, here and below.
    void send(LinkId link, std::string_view bytes);
    /// At once. Of what was sent leaves what the system takes without waiting.
    void close(LinkId link);

    /// What `pull` gives follows what was sent, and goes ahead of all that is sent later. It is asked whenever little
    /// waits to be sent. `done`: all has been taken. Neither is kept when the stream has ended or the link is gone. One
    /// stream at a time for a link. Both are called by the loop; `pull` calls nothing of PeerLinks's.
    void send_stream(LinkId link, std::function<StreamPull(std::string& chunk)> pull, std::function<void()> done);
    void resume_stream(LinkId link);

    /// Writes what was sent now, instead of at the end of the turn.
    void flush();

    struct Counts {
        std::uint64_t hellos_malformed = 0;
        std::uint64_t hellos_of_strangers = 0;  // not in the configuration
        std::uint64_t hellos_with_our_id = 0;
        std::uint64_t incoming_dropped = 0;  // to keep a bound, or for their silence
    };
    [[nodiscard]] Counts counts() const;
    [[nodiscard]] std::size_t queued_bytes(LinkId link) const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
