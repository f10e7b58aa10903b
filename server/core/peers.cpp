#include "server/core/peers.hpp"

#include "wire/assert.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"

#include <utility>

namespace zabd::core {
namespace {

bool proposes(const wire::QuorumPacket& packet) {
    return packet.type == wire::PacketType::kProposal || packet.type == wire::PacketType::kInform;
}

bool holds_its_transaction(const wire::QuorumPacket& packet) {
    wire::Decoder in(packet.data.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    return !in.failed() && header.zxid == packet.zxid && znode::decodes(header, in.rest());
}

}  // namespace

Peers::Link* Peers::find(LinkId link) {
    const auto found = links_.find(link);
    return found == links_.end() ? nullptr : &found->second;
}

// --- in --------------------------------------------------------------------------------------------------------------

void Peers::on(const PeerOpened& opened, Outputs& out) {
    const auto bytes_max = opened.dialled ? bounds_.of_leader : bounds_.of_learner;
    const bool fresh = links_.emplace(opened.link, Link{wire::PacketSplitter(bytes_max), opened.dialled}).second;
    ZABD_ASSERT(fresh);
    tell_(zab::LinkOpened{opened.link, opened.dialled}, out);
}

void Peers::on(const PeerBytes& bytes, Outputs& out) {
    auto* link = find(bytes.link);
    if (!link) return;
    link->packets.feed(bytes.bytes);
    // What one packet brings about may close the link.
    for (bool more = true; more && (link = find(bytes.link));)
        more =
            link->snapshot_follows ? take_snapshot_bytes(bytes.link, *link, out) : take_packet(bytes.link, *link, out);
}

void Peers::on(const PeerClosed& closed, Outputs& out) {
    if (links_.erase(closed.link) != 0) tell_(zab::LinkClosed{closed.link}, out);
}

bool Peers::take_packet(LinkId id, Link& link, Outputs& out) {
    auto packet = link.packets.next();
    if (packet) {
        if (link.dialled && proposes(*packet) && !holds_its_transaction(*packet)) {
            fail(id, "what it proposes is no transaction", out);
            return false;
        }
        link.snapshot_follows = link.dialled && packet->type == wire::PacketType::kSnap;
        tell_(zab::Packet{id, std::move(*packet)}, out);
        return true;
    }
    if (link.packets.failed()) fail(id, "what it sends is no packet", out);
    return false;
}

bool Peers::take_snapshot_bytes(LinkId id, Link& link, Outputs& out) {
    if (receiving_ != id || !receiver_) return false;
    const auto bytes = link.packets.take_raw();
    const auto used = receiver_->feed(bytes, out);
    using Kind = zab::SnapshotProgress::Kind;
    if (receiver_->broken()) {
        receiving_ = LinkId::kNone;
        tell_(zab::SnapshotProgress{id, Kind::kBroken}, out);
        return false;
    }
    const bool whole = receiver_->whole();
    if (whole) {
        receiving_ = LinkId::kNone;
        link.snapshot_follows = false;
        link.packets.put_back(std::string_view(bytes).substr(used));
    }
    tell_(zab::SnapshotProgress{id, whole ? Kind::kWhole : Kind::kMore}, out);
    return whole;
}

// --- out -------------------------------------------------------------------------------------------------------------

void Peers::send(LinkId link, const wire::QuorumPacket& packet, Outputs& out) {
    if (!find(link)) return;
    const auto begin = out.bytes.size();
    wire::encode(out.bytes, packet);
    const auto size = out.bytes.size() - begin;
    auto* before = out.items.empty() ? nullptr : std::get_if<SendToPeer>(&out.items.back());
    if (before && before->link == link && before->begin + before->size == begin) {
        before->size += size;
    } else {
        out.items.emplace_back(SendToPeer{link, begin, size});
    }
}

void Peers::close(LinkId link, std::string reason, Outputs& out) {
    if (links_.erase(link) != 0) out.items.emplace_back(ClosePeer{link, std::move(reason)});
}

void Peers::fail(LinkId link, std::string reason, Outputs& out) {
    if (!find(link)) return;
    close(link, std::move(reason), out);
    tell_(zab::LinkClosed{link}, out);
}

// --- snapshots -------------------------------------------------------------------------------------------------------

void Peers::receive_snapshot(const zab::ReceiveSnapshot& receive, SnapshotState::AboutSession has_zookeeper_password) {
    receiving_ = receive.link;
    receiver_.emplace(receive.zxid, receive.fuzzy, bounds_.of_snapshot_element, std::move(has_zookeeper_password));
}

void Peers::drop_snapshot(Outputs& out) {
    receiving_ = LinkId::kNone;
    if (receiver_ && receiver_->begun()) out.items.emplace_back(DropInstall{});
    receiver_.reset();
}

Replacement Peers::take_snapshot() {
    ZABD_ASSERT(receiver_ && receiver_->whole());
    auto replacement = receiver_->take();
    receiver_.reset();
    return replacement;
}

}  // namespace zabd::core
