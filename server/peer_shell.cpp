#include "server/peer_shell.hpp"

#include "wire/assert.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace zabd::server {
namespace {

/// A second of them. A leader of ZooKeeper's opens its quorum port only when it knows that it leads, which it does not know
/// before 200 ms have passed without another vote.
constexpr int kLeaderAttempts = 20;

net::PeerLinksOptions links_options(const Ensemble& ensemble) {
    net::PeerLinksOptions options;
    options.self = ensemble.self;
    options.listen_on_all = ensemble.listen_on_all_ips;
    options.leader_attempts = kLeaderAttempts;
    for (const auto& [id, server] : ensemble.servers) {
        options.peers.push_back({id, server.host, server.quorum_port, server.election_port});
    }
    return options;
}

}  // namespace

PeerShell::PeerShell(boost::asio::io_context& io, const Ensemble& ensemble, CoreFeed& feed, StorageShell& storage)
    : io_(io), feed_(feed), storage_(storage) {
    links_.emplace(io, links_options(ensemble), *this);
}

Result<void> PeerShell::listen() { return links_->listen(); }

void PeerShell::stop() {
    links_.reset();
    snapshots_.clear();
}

// --- outputs ---------------------------------------------------------------------------------------------------------

void PeerShell::send(LinkId link, std::string_view bytes) {
    if (links_) links_->send(link, bytes);
}

void PeerShell::send_election(ServerId to, std::string_view payload) {
    if (links_) links_->send_election(to, payload);
}

void PeerShell::flush() {
    if (links_) links_->flush();
}

void PeerShell::carry_out(const core::DialLeader& output) {
    if (links_) links_->dial_leader(output.server);
}

void PeerShell::carry_out(const core::ClosePeer& output) {
    if (!links_) return;
    if (!output.reason.empty())
        spdlog::info("link closed link={} {}", static_cast<std::uint64_t>(output.link), output.reason);
    links_->close(output.link);
    snapshots_.erase(output.link);
}

void PeerShell::carry_out(const core::OpenSnapshot& output) {
    if (!links_) return;
    snapshots_[output.link] = {};
    storage_.open_snapshot([this, link = output.link](auto source) { snapshot_opened(link, std::move(source)); });
}

void PeerShell::carry_out(const core::StreamSnapshot& output) {
    const auto snapshot = snapshots_.find(output.link);
    if (snapshot == snapshots_.end()) return;  // the link is gone, and the core will hear of it
    ZABD_ASSERT(snapshot->second.source != nullptr);
    const auto link = output.link;
    auto& reader = snapshot->second.reader;
    reader = std::make_unique<SnapshotReader>(std::move(snapshot->second.source), [this, link] {
        boost::asio::post(io_, [this, link] {
            if (links_) links_->resume_stream(link);
        });
    });
    links_->send_stream(
        link, [&from = *reader](std::string& chunk) { return from.pull(chunk); },
        [this, link] { snapshot_streamed(link); });
}

// --- snapshots -------------------------------------------------------------------------------------------------------

void PeerShell::snapshot_opened(LinkId link, std::unique_ptr<storage::SnapshotSource> source) {
    const auto snapshot = snapshots_.find(link);
    if (snapshot == snapshots_.end()) return;
    if (source) {
        const auto zxid = source->zxid();
        snapshot->second.source = std::move(source);
        feed_.give(core::SnapshotOpened{link, zxid});
    } else {
        snapshots_.erase(snapshot);
        links_->close(link);
        feed_.give(core::PeerClosed{link});
    }
    feed_.settle();
}

void PeerShell::snapshot_streamed(LinkId link) {
    snapshots_.erase(link);
    feed_.give(core::SnapshotStreamed{link});
    feed_.settle();
}

// --- events ----------------------------------------------------------------------------------------------------------

void PeerShell::on_election_frame(ServerId from, std::string_view payload) {
    feed_.give(core::ElectionFrame{from, payload});
}

void PeerShell::on_election_link(ServerId peer, bool up) { feed_.give(core::ElectionLink{peer, up}); }

void PeerShell::on_peer_opened(LinkId link, bool dialled) { feed_.give(core::PeerOpened{link, dialled}); }

void PeerShell::on_peer_unreachable() { feed_.give(core::PeerUnreachable{}); }

void PeerShell::on_peer_bytes(LinkId link, std::string_view bytes) { feed_.give(core::PeerBytes{link, bytes}); }

void PeerShell::on_peer_closed(LinkId link) {
    snapshots_.erase(link);
    feed_.give(core::PeerClosed{link});
}

void PeerShell::on_peer_congested(LinkId link, bool congested) { feed_.give(core::PeerCongested{link, congested}); }

void PeerShell::on_peer_warning(std::string_view text) { spdlog::warn("{}", text); }

}  // namespace zabd::server
