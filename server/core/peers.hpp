// Links on the quorum port: bytes to packets for zab, and packets to bytes.
//
// Snapshots behind a SNAP packet a link's bytes are no packets: they are kept until zab says that they are to be received
//           (receive_snapshot), then go to a SnapshotReceiver until that is whole or broken.
// Errors    a stream that is none closes its link, and zab is told that it is closed. So does a proposal that is no
//           transaction: once it is in the log, we could never start again.
// Ignored   whatever concerns a link that is not open.
#pragma once

#include "server/core/core.hpp"
#include "server/core/snapshot_receiver.hpp"
#include "wire/packet_splitter.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::core {

class Peers {
public:
    /// Tells zab, and carries out what it says before it returns.
    using Tell = std::function<void(const zab::Input& input, Outputs& out)>;

    /// A leader's packets may be larger: a transaction that ends a session names all its ephemerals.
    struct Bounds {
        std::size_t of_learner = 0;
        std::size_t of_leader = 0;
        std::size_t of_snapshot_element = 0;
    };
    Peers(Bounds bounds, Tell tell) : bounds_(bounds), tell_(std::move(tell)) {}

    void on(const PeerOpened& opened, Outputs& out);
    void on(const PeerBytes& bytes, Outputs& out);
    void on(const PeerClosed& closed, Outputs& out);

    void send(LinkId link, const wire::QuorumPacket& packet, Outputs& out);
    /// As zab asks.
    void close(LinkId link, std::string reason, Outputs& out);
    /// What came over it cannot be: zab is told.
    void fail(LinkId link, std::string reason, Outputs& out);

    void receive_snapshot(const zab::ReceiveSnapshot& receive, SnapshotState::AboutSession has_zookeeper_password);
    void drop_snapshot(Outputs& out);
    /// Of the snapshot that has come whole.
    [[nodiscard]] Replacement take_snapshot();

private:
    struct Link {
        wire::PacketSplitter packets;
        bool dialled = false;
        bool snapshot_follows = false;
    };
    [[nodiscard]] Link* find(LinkId link);
    /// False: there is nothing more to take.
    bool take_packet(LinkId id, Link& link, Outputs& out);
    bool take_snapshot_bytes(LinkId id, Link& link, Outputs& out);

    Bounds bounds_;
    Tell tell_;
    std::map<LinkId, Link> links_;
    std::optional<SnapshotReceiver> receiver_;
    LinkId receiving_ = LinkId::kNone;
};

}  // namespace zabd::core
