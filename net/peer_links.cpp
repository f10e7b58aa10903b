#include "net/peer_links.hpp"

#include "net/listener.hpp"
#include "net/peer_election.hpp"
#include "net/peer_quorum.hpp"
#include "wire/assert.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace zabd::net {

struct PeerLinks::Impl : std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io_context, PeerLinksOptions peer_options, PeerEvents& peer_events)
        : io(io_context),
          options(std::move(peer_options)),
          events(peer_events),
          election(io, options, known, events, counts, [this] { schedule_turn(); }),
          quorum(io, options, known, events, counts, [this] { schedule_turn(); }) {}

    void schedule_turn() {
        if (std::exchange(turn_scheduled, true)) return;
        boost::asio::post(io, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->turn();
        });
    }

    void turn() {
        quorum.turn();
        events.on_turn_end();
        turn_scheduled = false;
        flush();
    }

    void flush() {
        election.flush();
        quorum.flush();
    }

    boost::asio::io_context& io;
    const PeerLinksOptions options;
    PeerEvents& events;
    Counts counts;
    KnownAddresses known;
    bool turn_scheduled = false;
    PeerElection election;
    PeerQuorum quorum;
    std::unique_ptr<Listener> election_listener;
    std::unique_ptr<Listener> quorum_listener;
};

PeerLinks::PeerLinks(boost::asio::io_context& io, PeerLinksOptions options, PeerEvents& events)
    : impl_(std::make_shared<Impl>(io, std::move(options), events)) {}

PeerLinks::~PeerLinks() = default;

Result<void> PeerLinks::listen() {
    const auto& options = impl_->options;
    const auto self = std::ranges::find(options.peers, options.self, &PeerAddress::server);
    ZABD_ASSERT(self != options.peers.end());
    const auto address = options.listen_on_all ? std::string() : self->host;
    const auto impl = impl_.get();  // which owns the listeners

    auto election = Listener::open(impl->io, address, self->election_port, -1,
                                   [impl](const Accepted& accepted) { impl->election.accept(accepted); });
    if (!election) return std::unexpected(election.error());
    auto quorum = Listener::open(impl->io, address, self->quorum_port, -1,
                                 [impl](const Accepted& accepted) { impl->quorum.accept(accepted); });
    if (!quorum) return std::unexpected(quorum.error());
    impl->election_listener = std::move(*election);
    impl->quorum_listener = std::move(*quorum);
    return {};
}

void PeerLinks::send_election(ServerId to, std::string_view payload) { impl_->election.send(to, payload); }

void PeerLinks::connect_all() { impl_->election.connect_all(); }

void PeerLinks::dial_leader(ServerId leader) { impl_->quorum.dial(leader); }

void PeerLinks::send(LinkId link, std::string_view bytes) { impl_->quorum.send(link, bytes); }

void PeerLinks::close(LinkId link) { impl_->quorum.close(link); }

void PeerLinks::send_stream(LinkId link, std::function<StreamPull(std::string& chunk)> pull,
                            std::function<void()> done) {
    impl_->quorum.send_stream(link, std::move(pull), std::move(done));
}

void PeerLinks::resume_stream(LinkId link) { impl_->quorum.resume_stream(link); }

void PeerLinks::flush() { impl_->flush(); }

PeerLinks::Counts PeerLinks::counts() const { return impl_->counts; }

std::size_t PeerLinks::queued_bytes(LinkId link) const { return impl_->quorum.queued_bytes(link); }

}  // namespace zabd::net
