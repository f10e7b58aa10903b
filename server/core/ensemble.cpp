// Peers: what comes from them goes to zab, and what zab asks for goes to them.
#include "server/core/core_impl.hpp"
#include "wire/election.hpp"

#include <string>
#include <utility>

namespace zabd::core {

// --- in --------------------------------------------------------------------------------------------------------------

void Core::Impl::on(const LogDurable& durable, Outputs& out) {
    pipeline_.on_durable(durable.up_to);
    pipeline_.tell(zab::LogDurable{durable.up_to}, out);
}

void Core::Impl::on(const LogTruncated& truncated, Outputs& out) {
    pipeline_.tell(zab::LogTruncated{truncated.up_to}, out);
}
void Core::Impl::on(const LogHeldBack&, Outputs& out) { pipeline_.tell(zab::LogHeldBack{}, out); }

void Core::Impl::on(const LogBegins& begins, Outputs& out) { pipeline_.tell(zab::LogBegins{begins.after}, out); }
void Core::Impl::on(const LogRead& read, Outputs& out) { pipeline_.tell(zab::LogRead{read.tag, read.records}, out); }
void Core::Impl::on(const HardStateSaved&, Outputs& out) { pipeline_.tell(zab::HardStateSaved{}, out); }

void Core::Impl::on(const PeerOpened& opened, Outputs& out) { peers_.on(opened, out); }
void Core::Impl::on(const PeerUnreachable&, Outputs& out) { pipeline_.tell(zab::DialFailed{}, out); }
void Core::Impl::on(const PeerBytes& bytes, Outputs& out) { peers_.on(bytes, out); }
void Core::Impl::on(const PeerClosed& closed, Outputs& out) { peers_.on(closed, out); }
void Core::Impl::on(const PeerCongested& congested, Outputs& out) {
    pipeline_.tell(zab::LinkCongested{congested.link, congested.congested}, out);
}

void Core::Impl::on(const ElectionFrame& frame, Outputs& out) {
    auto notification = wire::decode_notification(frame.payload);
    if (notification) pipeline_.tell(zab::ElectionMessage{frame.from, std::move(*notification)}, out);
}
void Core::Impl::on(const ElectionLink& link, Outputs& out) {
    pipeline_.tell(zab::ElectionLink{link.peer, link.up}, out);
}

void Core::Impl::on(const SnapshotOpened& opened, Outputs& out) {
    pipeline_.tell(zab::SnapshotOpened{opened.link, opened.zxid}, out);
}
void Core::Impl::on(const SnapshotStreamed& streamed, Outputs& out) {
    pipeline_.tell(zab::SnapshotStreamed{streamed.link}, out);
}

/// The state has jumped. Who watches is closed, and learns what it missed when it sets its watches again; so is who waits
/// for the answer to a write, which cannot be known any more.
void Core::Impl::on(const SnapshotInstalled& installed, Outputs& out) {
    pipeline_.finish_replacement();
    for (const auto id : connections_in_order()) {
        auto& client = *find(id);
        if (watches_.count_of(id) != 0 || client.lost != 0) close(client, out);
    }
    pipeline_.tell(zab::SnapshotInstalled{installed.zxid}, out);
}

void Core::Impl::on(const StepDown&, Outputs& out) { pipeline_.tell(zab::StepDown{}, out); }

// --- out -------------------------------------------------------------------------------------------------------------

void Core::Impl::carry_out(const zab::Dial& dial, Outputs& out) { out.items.emplace_back(DialLeader{dial.leader}); }

void Core::Impl::carry_out(const zab::SendPacket& send, Outputs& out) {
    peers_.send(send.link, send.packet, out);
    const auto type = send.packet.type;
    if (type != wire::PacketType::kCommit && type != wire::PacketType::kInform) return;
    learners_.tell(send.link, send.packet.zxid);
    if (learners_.is_zookeeper(send.link)) answer_learners(out);
}

void Core::Impl::carry_out(zab::CloseLink& close, Outputs& out) {
    peers_.close(close.link, std::move(close.reason), out);
}

void Core::Impl::carry_out(const zab::SendNotification& send, Outputs& out) {
    const auto begin = out.bytes.size();
    out.bytes += wire::encoded_notification(send.notification);
    for (const auto to : send.to) out.items.emplace_back(SendElection{to, begin, out.bytes.size() - begin});
}

void Core::Impl::carry_out(const zab::OpenSnapshot& open, Outputs& out) {
    out.items.emplace_back(OpenSnapshot{open.link});
}
void Core::Impl::carry_out(const zab::StreamSnapshot& stream, Outputs& out) {
    out.items.emplace_back(StreamSnapshot{stream.link});
}
void Core::Impl::carry_out(const zab::ReceiveSnapshot& receive, Outputs&) {
    peers_.receive_snapshot(receive, [this](SessionId session) {
        return zab().hard_state().mixed() || pipeline_.sessions().has_zookeeper_password(session);
    });
}
void Core::Impl::carry_out(const zab::InstallSnapshot&, Outputs& out) {
    pipeline_.begin_replacement(peers_.take_snapshot(), out);
}
void Core::Impl::carry_out(const zab::DropSnapshot&, Outputs& out) { peers_.drop_snapshot(out); }

void Core::Impl::carry_out(const zab::AnswerPing& ping, Outputs& out) {
    peers_.send(ping.link, {wire::PacketType::kPing, ping.zxid, sessions_.take_touches()}, out);
}

void Core::Impl::carry_out(const zab::LearnerChanged& changed, Outputs& out) {
    const auto learner = "learner=" + std::to_string(static_cast<int>(changed.server));
    if (changed.up_to_date) {
        learners_.add(changed.link, changed.told, changed.zabd);
    } else {
        learners_.remove(changed.link);
        sessions_.forget(changed.link);
        std::erase_if(deferred_, [&](const zab::ForCore& from) { return from.link == changed.link; });
    }
    const auto* what = changed.up_to_date ? " is up to date" : " is gone";
    out.items.emplace_back(Event{Event::Kind::kPeer, SessionId::kNone, zxid_applied(), learner + what});
}

void Core::Impl::carry_out(zab::Note& note, Outputs& out) {
    out.items.emplace_back(Event{Event::Kind::kPeer, SessionId::kNone, zxid_applied(), std::move(note.text)});
}

// --- what is ---------------------------------------------------------------------------------------------------------

std::vector<LearnerView> Core::learners() const {
    std::vector<LearnerView> all;
    for (const auto& learner : impl_->zab().learners())
        all.push_back({.server = learner.server,
                       .observer = learner.observes,
                       .up_to_date = learner.up_to_date,
                       .acked = learner.acked});
    return all;
}

bool Core::can_step_down() const { return impl_->serving_ && impl_->zab().can_step_down(); }

}  // namespace zabd::core
