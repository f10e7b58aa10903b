#include "net/peer_quorum.hpp"

#include "net/peer_dial.hpp"
#include "net/peer_socket.hpp"
#include "net/peer_timer.hpp"
#include "wire/assert.hpp"

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace zabd::net {

namespace asio = boost::asio;

struct PeerQuorum::Impl {
    class Link;

    Impl(asio::io_context& io_context, const PeerLinksOptions& quorum_options, KnownAddresses& known_addresses,
         PeerEvents& quorum_events, PeerLinks::Counts& quorum_counts, std::function<void()> ask_for_turn)
        : io(io_context),
          options(quorum_options),
          known(known_addresses),
          events(quorum_events),
          counts(quorum_counts),
          schedule_turn(std::move(ask_for_turn)),
          retry_timer(io_context) {}

    void open(const Accepted& accepted, bool dialled);
    void attempt();
    void on_dialled(const DialOutcome& outcome);
    [[nodiscard]] Link* find(LinkId id) const;
    [[nodiscard]] std::size_t incoming_count() const;
    [[nodiscard]] std::size_t incoming_count_max() const { return options.peers.size() + options.incoming_max; }
    void turn();

    asio::io_context& io;
    const PeerLinksOptions& options;
    KnownAddresses& known;
    PeerEvents& events;
    PeerLinks::Counts& counts;
    const std::function<void()> schedule_turn;
    std::map<LinkId, std::unique_ptr<Link>> links;
    std::uint64_t serial_last = 0;

    const PeerAddress* leader = nullptr;  // that is being dialled
    int attempts = 0;
    std::unique_ptr<PeerDial> dialling;
    PeerTimer retry_timer;
};

class PeerQuorum::Impl::Link final : public PeerSocketEvents {
public:
    Link(Impl& quorum, LinkId id, bool dialled, const Accepted& accepted)
        : quorum_(quorum), id_(id), dialled_(dialled), socket_(quorum.io, accepted, *this) {}

    void send(std::string_view bytes);
    void begin_stream(std::function<StreamPull(std::string& chunk)> pull, std::function<void()> done);
    void resume_stream();
    /// Takes chunks as long as little waits. Answers what then is to be called, if it has ended.
    std::function<void()> pump();
    [[nodiscard]] bool congestion_changed() const;
    void tell_congestion();
    void flush();

    [[nodiscard]] bool dialled() const { return dialled_; }
    [[nodiscard]] std::size_t queued_bytes() const { return socket_.waiting_bytes() + behind_stream_.size(); }
    /// There is something to pump.
    [[nodiscard]] bool wants_turn() const { return socket_.open() && stream_ && !stream_->later && little_waits(); }

private:
    struct Stream {
        std::function<StreamPull(std::string& chunk)> pull;
        std::function<void()> done;
        bool later = false;
    };

    [[nodiscard]] bool little_waits() const { return socket_.waiting_bytes() < quorum_.options.relieved_bytes; }
    std::function<void()> end_stream();

    void on_bytes(std::string_view bytes) override {
        quorum_.schedule_turn();
        quorum_.events.on_peer_bytes(id_, bytes);
    }
    void on_room() override { quorum_.schedule_turn(); }
    void on_lost() override;

    Impl& quorum_;
    const LinkId id_;
    const bool dialled_;
    PeerSocket socket_;
    std::optional<Stream> stream_;
    std::string behind_stream_;  // sent since it began
    std::string chunk_;
    bool told_congested_ = false;
    bool congestion_due_ = false;  // to be looked at
};

void PeerQuorum::Impl::Link::send(std::string_view bytes) {
    if (queued_bytes() > quorum_.options.outbox_bytes_max) return socket_.break_off();
    if (stream_) {
        behind_stream_.append(bytes);
    } else {
        socket_.send(bytes);
    }
    quorum_.schedule_turn();
}

void PeerQuorum::Impl::Link::begin_stream(std::function<StreamPull(std::string& chunk)> pull,
                                          std::function<void()> done) {
    ZABD_ASSERT(!stream_);
    stream_ = Stream{.pull = std::move(pull), .done = std::move(done)};
    quorum_.schedule_turn();
}

void PeerQuorum::Impl::Link::resume_stream() {
    if (!stream_) return;
    stream_->later = false;
    quorum_.schedule_turn();
}

std::function<void()> PeerQuorum::Impl::Link::pump() {
    while (wants_turn()) {
        chunk_.clear();
        switch (stream_->pull(chunk_)) {
            case StreamPull::kChunk: socket_.send(chunk_); break;
            case StreamPull::kLater: stream_->later = true; break;
            case StreamPull::kEnd: return end_stream();
            case StreamPull::kBroken: stream_.reset(), socket_.break_off(); break;
        }
    }
    return {};
}

std::function<void()> PeerQuorum::Impl::Link::end_stream() {
    auto done = std::move(stream_->done);
    stream_.reset();
    socket_.send(std::exchange(behind_stream_, {}));
    std::string().swap(chunk_);
    return done;
}

bool PeerQuorum::Impl::Link::congestion_changed() const {
    const auto limit = told_congested_ ? quorum_.options.relieved_bytes : quorum_.options.congested_bytes;
    return (queued_bytes() > limit) != told_congested_;
}

void PeerQuorum::Impl::Link::tell_congestion() {
    if (!std::exchange(congestion_due_, false) || !congestion_changed()) return;
    told_congested_ = !told_congested_;
    quorum_.events.on_peer_congested(id_, told_congested_);
}

void PeerQuorum::Impl::Link::flush() {
    socket_.flush();
    congestion_due_ = congestion_changed();  // only what the system did not take at once counts
    if (congestion_due_ || wants_turn()) quorum_.schedule_turn();
}

void PeerQuorum::Impl::Link::on_lost() {
    auto& quorum = quorum_;
    const auto id = id_;
    quorum.links.erase(id);  // this
    quorum.schedule_turn();
    quorum.events.on_peer_closed(id);
}

void PeerQuorum::Impl::open(const Accepted& accepted, bool dialled) {
    const LinkId id{++serial_last};
    links.emplace(id, std::make_unique<Link>(*this, id, dialled, accepted));
    schedule_turn();
    events.on_peer_opened(id, dialled);
}

void PeerQuorum::Impl::attempt() {
    dialling = std::make_unique<PeerDial>(io, known, leader->host, leader->quorum_port, options.leader_dial_timeout,
                                          [this](const DialOutcome& outcome) { on_dialled(outcome); });
}

void PeerQuorum::Impl::on_dialled(const DialOutcome& outcome) {
    dialling.reset();
    if (outcome.socket.descriptor >= 0) return open(outcome.socket, true);
    if (outcome.refused && ++attempts < options.leader_attempts) {
        return retry_timer.start(options.leader_retry_pause, [this] { attempt(); });
    }
    schedule_turn();
    events.on_peer_unreachable();
}

PeerQuorum::Impl::Link* PeerQuorum::Impl::find(LinkId id) const {
    const auto found = links.find(id);
    return found == links.end() ? nullptr : found->second.get();
}

std::size_t PeerQuorum::Impl::incoming_count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(links, [](const auto& entry) { return !entry.second->dialled(); }));
}

void PeerQuorum::Impl::turn() {
    std::vector<LinkId> ids;  // a call may close any of them
    ids.reserve(links.size());
    for (const auto& [id, link] : links) ids.push_back(id);
    for (const auto id : ids) {
        const auto link = find(id);
        if (const auto done = link != nullptr ? link->pump() : nullptr) done();
    }
    for (const auto id : ids) {
        if (const auto link = find(id)) link->tell_congestion();
    }
}

PeerQuorum::PeerQuorum(asio::io_context& io, const PeerLinksOptions& options, KnownAddresses& known, PeerEvents& events,
                       PeerLinks::Counts& counts, std::function<void()> schedule_turn)
    : impl_(std::make_unique<Impl>(io, options, known, events, counts, std::move(schedule_turn))) {}

PeerQuorum::~PeerQuorum() = default;

void PeerQuorum::accept(const Accepted& accepted) {
    if (impl_->incoming_count() < impl_->incoming_count_max()) return impl_->open(accepted, false);
    ++impl_->counts.incoming_dropped;
    ::close(accepted.descriptor);
}

void PeerQuorum::dial(ServerId leader) {
    const auto& peers = impl_->options.peers;
    const auto found = std::ranges::find(peers, leader, &PeerAddress::server);
    ZABD_ASSERT(found != peers.end());
    impl_->retry_timer.stop();
    impl_->leader = &*found;
    impl_->attempts = 0;
    impl_->attempt();
}

void PeerQuorum::send(LinkId id, std::string_view bytes) {
    if (const auto link = impl_->find(id)) link->send(bytes);
}

void PeerQuorum::close(LinkId id) { impl_->links.erase(id); }

void PeerQuorum::send_stream(LinkId id, std::function<StreamPull(std::string& chunk)> pull,
                             std::function<void()> done) {
    if (const auto link = impl_->find(id)) link->begin_stream(std::move(pull), std::move(done));
}

void PeerQuorum::resume_stream(LinkId id) {
    if (const auto link = impl_->find(id)) link->resume_stream();
}

std::size_t PeerQuorum::queued_bytes(LinkId id) const {
    const auto link = impl_->find(id);
    return link == nullptr ? 0 : link->queued_bytes();
}

void PeerQuorum::turn() { impl_->turn(); }

void PeerQuorum::flush() {
    for (const auto& [id, link] : impl_->links) link->flush();
}

}  // namespace zabd::net
