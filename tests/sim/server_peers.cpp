// The peers of a simulated server: between its core and the mesh.
#include "tests/sim/planted_inputs.hpp"
#include "tests/sim/planted_state.hpp"
#include "tests/sim/server.hpp"

#include <algorithm>
#include <utility>

namespace zabd::sim {

namespace {

constexpr std::size_t kSliceBytesMax = 2000;
constexpr Duration kSliceMax = milliseconds(5);

}  // namespace

// --- in --------------------------------------------------------------------------------------------------------------

void Server::on_peer_opened(LinkId link, bool dialled, ServerId peer) {
    peers_[link].server = peer;
    input([this, link, dialled] {
        if (peers_.contains(link)) step(core::PeerOpened{link, dialled});
    });
}

void Server::on_peer_unreachable() {
    input([this] { step(core::PeerUnreachable{}); });
}

void Server::on_peer_bytes(LinkId link, std::string bytes) {
    input([this, link, bytes = std::move(bytes)] {
        if (peers_.contains(link)) step(core::PeerBytes{link, bytes});
    });
}

void Server::on_peer_closed(LinkId link) {
    input([this, link] {
        if (peers_.erase(link) != 0) step(core::PeerClosed{link});
    });
}

void Server::on_peer_congested(LinkId link, bool congested) {
    input([this, link, congested] {
        if (peers_.contains(link)) step(core::PeerCongested{link, congested});
    });
}

void Server::on_election(ServerId from, std::string payload) {
    input([this, from, payload = std::move(payload)] { step(core::ElectionFrame{from, payload}); });
}

void Server::on_election_link(ServerId peer, bool up) {
    input([this, peer, up] { step(core::ElectionLink{peer, up}); });
}

void Server::hear_of_leader() {
    const auto status = core_->status();
    if (!status.serving || status.state == core::ServerState::kLeading) return;
    const auto found =
        std::ranges::find_if(peers_, [&](const auto& one) { return one.second.server == status.leader; });
    if (found == peers_.end()) return;
    std::string ping;
    wire::encode(ping, {.type = wire::PacketType::kPing, .zxid = Zxid{}, .data = {}});
    after(Duration(0), [this, link = found->first, ping] { on_peer_bytes(link, ping); });
}

// --- out -------------------------------------------------------------------------------------------------------------

void Server::carry_out(core::DialLeader& output) { mesh_.dial(id(), output.server); }

void Server::carry_out(core::SendToPeer& output) {
    const auto found = peers_.find(output.link);
    if (found == peers_.end()) return;
    const auto to = found->second.server;
    const auto bytes = std::string_view(outputs_.bytes).substr(output.begin, output.size);
    learn_disk_facts();
    auto passed = found->second.tap.pass(bytes, stage_.planted, stage_.random, [&](const wire::QuorumPacket& packet) {
        stage_.trace.event("server {} sends {} packet {} {:#x}", number(id()), number(found->second.server),
                           static_cast<int>(packet.type), packet.zxid.value);
        oracle_.tell([&](Checker& checker) { checker.on_packet_sent(id(), to, packet, disk_facts_); });
    });
    send_to_peer(output.link, std::move(passed.sent));
    if (passed.heard.empty()) return;
    after(Duration(0), [this, link = output.link, heard = std::move(passed.heard)] {
        if (peers_.contains(link)) on_peer_bytes(link, heard);
    });
}

void Server::send_to_peer(LinkId link, std::string bytes) {
    auto& peer = peers_.at(link);
    if (peer.streaming) {
        peer.behind += bytes;
    } else {
        mesh_.send(link, bytes);
    }
}

void Server::carry_out(core::ClosePeer& output) {
    stage_.trace.event("server {} closes link {}: {}", number(id()), number(output.link), output.reason);
    peers_.erase(output.link);
    mesh_.close(output.link);
}

void Server::carry_out(core::SendElection& output) {
    auto payload = outputs_.bytes.substr(output.begin, output.size);
    payload = vote_with_planted_bug(std::move(payload), id(), stage_.planted);
    if (on_notification) on_notification(output.to, payload);
    mesh_.send_election(id(), output.to, std::move(payload));
}

void Server::carry_out(core::StreamSnapshot& output) {
    const auto found = peers_.find(output.link);
    if (found == peers_.end()) return;
    found->second.streaming = true;
    const auto view = streamed_with_planted_bug(*std::exchange(found->second.view, std::nullopt), stage_.planted);
    stream_slice(output.link, Store::stream_of(view));
}

void Server::stream_slice(LinkId link, std::string rest) {
    const auto wait = stage_.random.mostly_short(Duration(50), kSliceMax);
    after(wait, [this, link, rest = std::move(rest)] {
        const auto found = peers_.find(link);
        if (found == peers_.end()) return;
        const auto size = std::min<std::size_t>(rest.size(), 1 + stage_.random.below(kSliceBytesMax));
        mesh_.send(link, std::string_view(rest).substr(0, size));
        if (size < rest.size()) return stream_slice(link, rest.substr(size));
        found->second.streaming = false;
        mesh_.send(link, std::exchange(found->second.behind, {}));
        input([this, link] {
            if (peers_.contains(link)) step(core::SnapshotStreamed{link});
        });
    });
}

}  // namespace zabd::sim
