#include "net/peer_election.hpp"

#include "net/peer_dial.hpp"
#include "net/peer_socket.hpp"
#include "net/peer_timer.hpp"
#include "wire/assert.hpp"
#include "wire/election.hpp"
#include "wire/frame.hpp"
#include "wire/jute.hpp"

#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kWarningPause{1};

std::string address_text(const std::string& host, std::uint16_t port) {
    const bool ipv6 = host.find(':') != std::string::npos;
    return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

struct PeerElection::Impl {
    class Peer;
    class Incoming;
    enum class Warning { kMalformed, kStranger, kOurId };

    Impl(asio::io_context& io_context, const PeerLinksOptions& mesh_options, KnownAddresses& known_addresses,
         PeerEvents& mesh_events, PeerLinks::Counts& mesh_counts, std::function<void()> ask_for_turn);
    ~Impl();

    void accept(const Accepted& accepted);
    void on_hello(Incoming& incoming, const wire::Hello& hello, const std::string& behind);
    void drop(Incoming& incoming);
    void warn(Warning kind, const std::string& text);

    asio::io_context& io;
    const PeerLinksOptions& options;
    KnownAddresses& known;
    PeerEvents& events;
    PeerLinks::Counts& counts;
    const std::function<void()> schedule_turn;
    std::string hello;
    std::map<std::int64_t, std::unique_ptr<Peer>> peers;  // by the id on the wire; without ourselves
    std::list<Incoming> incoming;                         // the oldest first
    std::map<Warning, Clock::time_point> warned;
};

/// The way to one other server: a connection, or an attempt, or a pause before the next one, or none is wanted.
class PeerElection::Impl::Peer final : public PeerSocketEvents {
public:
    Peer(Impl& mesh, const PeerAddress& address)
        : mesh_(mesh),
          address_(address),
          keeps_what_it_dials_(mesh.options.self > address.server),
          splitter_(mesh.options.frame_bytes_max),
          pause_timer_(mesh.io),
          pause_(mesh.options.redial_min) {}

    void put(std::string_view payload) {
        slot_ = std::string(payload);
        connect();
        if (link_) mesh_.schedule_turn();
    }
    void want() {
        wanted_ = !link_;
        connect();
    }
    void adopt(std::unique_ptr<PeerSocket> link, std::string_view bytes_behind_hello);
    void call_back();
    void flush();

private:
    void connect();
    void on_dialled(const Accepted& accepted);
    void say_hello_and_hang_up(int descriptor) const;
    void stand();
    void try_later();
    void tell(bool up);
    void take(std::string_view bytes);

    void on_bytes(std::string_view bytes) override { take(bytes); }
    void on_room() override { mesh_.schedule_turn(); }
    void on_lost() override;

    Impl& mesh_;
    const PeerAddress& address_;
    const bool keeps_what_it_dials_;
    std::unique_ptr<PeerSocket> link_;
    Clock::time_point stands_since_;
    wire::FrameSplitter splitter_;
    std::unique_ptr<PeerDial> dial_;
    PeerTimer pause_timer_;
    milliseconds pause_;               // before the next attempt
    std::optional<std::string> slot_;  // to be sent
    std::string last_sent_;
    bool wanted_ = false;
};

/// A connection that has not said whose it is.
class PeerElection::Impl::Incoming final : public PeerSocketEvents {
public:
    Incoming(Impl& mesh, const Accepted& accepted)
        : mesh_(mesh),
          socket_(std::make_unique<PeerSocket>(mesh.io, accepted, *this)),
          from_(address_text(accepted.address, accepted.port)),
          deadline_(mesh.io) {
        deadline_.start(mesh.options.hello_timeout, [this] {
            ++mesh_.counts.incoming_dropped;
            mesh_.drop(*this);
        });
    }

    [[nodiscard]] std::unique_ptr<PeerSocket> release_socket() { return std::move(socket_); }
    [[nodiscard]] const std::string& from() const { return from_; }

private:
    void on_bytes(std::string_view bytes) override;
    void on_room() override {}
    void on_lost() override { mesh_.drop(*this); }

    Impl& mesh_;
    std::unique_ptr<PeerSocket> socket_;
    const std::string from_;
    PeerTimer deadline_;
    std::string bytes_;
};

void PeerElection::Impl::Incoming::on_bytes(std::string_view bytes) {
    bytes_.append(bytes);
    const auto outcome = wire::decode_hello(bytes_);
    if (outcome.kind == wire::HelloOutcome::Kind::kIncomplete) return;
    if (outcome.kind == wire::HelloOutcome::Kind::kWhole) {
        return mesh_.on_hello(*this, outcome.hello, bytes_.substr(outcome.bytes));
    }
    ++mesh_.counts.hellos_malformed;
    mesh_.warn(Warning::kMalformed, "no server's first words on the election port, from " + from_);
    mesh_.drop(*this);
}

// --- one peer ---------------------------------------------------------------------------------------------------------

void PeerElection::Impl::Peer::connect() {
    if (link_ || dial_ || pause_timer_.running() || (!slot_ && !wanted_)) return;
    dial_ = std::make_unique<PeerDial>(mesh_.io, mesh_.known, address_.host, address_.election_port,
                                       mesh_.options.election_dial_timeout,
                                       [this](const DialOutcome& outcome) { on_dialled(outcome.socket); });
}

void PeerElection::Impl::Peer::on_dialled(const Accepted& accepted) {
    dial_.reset();
    if (accepted.descriptor < 0) {
        try_later();
        return tell(false);
    }
    if (!keeps_what_it_dials_) {
        say_hello_and_hang_up(accepted.descriptor);
        return pause_timer_.start(mesh_.options.callback_timeout, [this] { connect(), tell(false); });
    }
    link_ = std::make_unique<PeerSocket>(mesh_.io, accepted, *this);
    link_->send(mesh_.hello);
    link_->flush();  // on its own: some releases take the hello only from one read
    stand();
}

void PeerElection::Impl::Peer::say_hello_and_hang_up(int descriptor) const {
    // A new connection takes so little at once. If it is gone already, there will be another.
    (void)::send(descriptor, mesh_.hello.data(), mesh_.hello.size(), MSG_NOSIGNAL);
    ::close(descriptor);
}

void PeerElection::Impl::Peer::adopt(std::unique_ptr<PeerSocket> link, std::string_view bytes_behind_hello) {
    link_ = std::move(link);
    link_->set_events(*this);
    stand();
    if (!bytes_behind_hello.empty()) take(bytes_behind_hello);
}

void PeerElection::Impl::Peer::call_back() {
    // Both dialled at the same time, and it has, or will have, ours. If not, it asks again.
    if (link_ && Clock::now() - stands_since_ < mesh_.options.callback_timeout) return;
    link_.reset();
    pause_timer_.stop();
    wanted_ = true;
    connect();
}

void PeerElection::Impl::Peer::stand() {
    dial_.reset();
    pause_timer_.stop();
    wanted_ = false;
    stands_since_ = Clock::now();
    splitter_ = wire::FrameSplitter(mesh_.options.frame_bytes_max);
    link_->watch_for_silence();
    tell(true);
}

void PeerElection::Impl::Peer::on_lost() {
    const bool cut_off = link_->waiting_bytes() != 0;
    link_.reset();
    if (cut_off && !slot_) slot_ = last_sent_;
    try_later();
    tell(false);
}

void PeerElection::Impl::Peer::try_later() {
    pause_timer_.start(pause_, [this] { connect(); });
    pause_ = std::min(2 * pause_, mesh_.options.redial_max);
}

void PeerElection::Impl::Peer::tell(bool up) {
    mesh_.schedule_turn();
    mesh_.events.on_election_link(address_.server, up);
}

void PeerElection::Impl::Peer::take(std::string_view bytes) {
    mesh_.schedule_turn();
    splitter_.feed(bytes);
    while (const auto frame = splitter_.next()) {
        if (frame->empty()) return link_->break_off();
        pause_ = mesh_.options.redial_min;
        mesh_.events.on_election_frame(address_.server, *frame);
    }
    if (splitter_.failed()) link_->break_off();
}

void PeerElection::Impl::Peer::flush() {
    if (!link_ || !slot_ || link_->waiting_bytes() != 0) return;
    last_sent_ = std::move(*slot_);
    slot_.reset();
    link_->send(wire::encoded(last_sent_));
    link_->flush();
}

// --- all of them ------------------------------------------------------------------------------------------------------

PeerElection::Impl::Impl(asio::io_context& io_context, const PeerLinksOptions& mesh_options,
                         KnownAddresses& known_addresses, PeerEvents& mesh_events, PeerLinks::Counts& mesh_counts,
                         std::function<void()> ask_for_turn)
    : io(io_context),
      options(mesh_options),
      known(known_addresses),
      events(mesh_events),
      counts(mesh_counts),
      schedule_turn(std::move(ask_for_turn)) {
    for (const auto& address : options.peers) {
        const auto id = static_cast<std::int64_t>(address.server);
        if (address.server == options.self) {
            hello =
                wire::encoded_hello({.server = id, .addresses = {address_text(address.host, address.election_port)}});
        } else {
            peers.emplace(id, std::make_unique<Peer>(*this, address));
        }
    }
    ZABD_ASSERT(!hello.empty());
}

PeerElection::Impl::~Impl() = default;

void PeerElection::Impl::accept(const Accepted& accepted) {
    if (incoming.size() == options.incoming_max) {
        ++counts.incoming_dropped;
        incoming.pop_front();
    }
    incoming.emplace_back(*this, accepted);
}

void PeerElection::Impl::drop(Incoming& one) {
    incoming.remove_if([&](const Incoming& other) { return &other == &one; });
}

void PeerElection::Impl::on_hello(Incoming& one, const wire::Hello& words, const std::string& behind) {
    const auto self = static_cast<std::int64_t>(options.self);
    const auto found = peers.find(words.server);
    if (words.server == self) {
        ++counts.hellos_with_our_id;
        warn(Warning::kOurId, "another server has our id " + std::to_string(self) + ": " + one.from());
        return drop(one);
    }
    if (found == peers.end()) {
        ++counts.hellos_of_strangers;
        warn(Warning::kStranger,
             "server " + std::to_string(words.server) + " is not in the configuration: " + one.from());
        return drop(one);
    }
    auto socket = one.release_socket();
    drop(one);
    if (words.server > self) return found->second->adopt(std::move(socket), behind);
    socket.reset();
    found->second->call_back();
}

void PeerElection::Impl::warn(Warning kind, const std::string& text) {
    const auto now = Clock::now();
    const auto [last, first] = warned.try_emplace(kind, now);
    if (!first && now - last->second < kWarningPause) return;
    last->second = now;
    events.on_peer_warning(text);
}

PeerElection::PeerElection(asio::io_context& io, const PeerLinksOptions& options, KnownAddresses& known,
                           PeerEvents& events, PeerLinks::Counts& counts, std::function<void()> schedule_turn)
    : impl_(std::make_unique<Impl>(io, options, known, events, counts, std::move(schedule_turn))) {}

PeerElection::~PeerElection() = default;

void PeerElection::accept(const Accepted& accepted) { impl_->accept(accepted); }

void PeerElection::send(ServerId to, std::string_view payload) {
    ZABD_ASSERT(!payload.empty() && payload.size() <= impl_->options.frame_bytes_max);
    const auto found = impl_->peers.find(static_cast<std::int64_t>(to));
    ZABD_ASSERT(found != impl_->peers.end());
    found->second->put(payload);
}

void PeerElection::connect_all() {
    for (const auto& [id, peer] : impl_->peers) peer->want();
}

void PeerElection::flush() {
    for (const auto& [id, peer] : impl_->peers) peer->flush();
}

}  // namespace zabd::net
