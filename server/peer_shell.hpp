// The other servers, to a core: carries out what it asks of links, and brings what comes of them. Snapshots for learners
// are streamed here.
//
// Threads   all calls on the io thread; snapshots are read on threads of their own.
#pragma once

#include "net/peer_links.hpp"
#include "server/config.hpp"
#include "server/core_feed.hpp"
#include "server/snapshot_reader.hpp"
#include "server/storage_shell.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string_view>

namespace zabd::server {

class PeerShell final : public net::PeerEvents {
public:
    /// All outlive it.
    PeerShell(boost::asio::io_context& io, const Ensemble& ensemble, CoreFeed& feed, StorageShell& storage);

    /// On both ports.
    Result<void> listen();
    /// All links end; nothing is told of it, or of anything any more.
    void stop();

    void send(LinkId link, std::string_view bytes);
    void send_election(ServerId to, std::string_view payload);
    /// Writes what was sent now, instead of at the end of the turn.
    void flush();
    void carry_out(const core::DialLeader& output);
    void carry_out(const core::ClosePeer& output);
    void carry_out(const core::OpenSnapshot& output);
    void carry_out(const core::StreamSnapshot& output);

private:
    // net::PeerEvents
    void on_election_frame(ServerId from, std::string_view payload) override;
    void on_election_link(ServerId peer, bool up) override;
    void on_peer_opened(LinkId link, bool dialled) override;
    void on_peer_unreachable() override;
    void on_peer_bytes(LinkId link, std::string_view bytes) override;
    void on_peer_closed(LinkId link) override;
    void on_peer_congested(LinkId link, bool congested) override;
    void on_peer_warning(std::string_view text) override;
    void on_turn_end() override { feed_.settle(); }

    /// Asked for, then open, then being streamed.
    struct Snapshot {
        std::unique_ptr<storage::SnapshotSource> source;
        std::unique_ptr<SnapshotReader> reader;
    };
    void snapshot_opened(LinkId link, std::unique_ptr<storage::SnapshotSource> source);
    void snapshot_streamed(LinkId link);

    boost::asio::io_context& io_;
    CoreFeed& feed_;
    StorageShell& storage_;
    std::optional<net::PeerLinks> links_;  // none once stopped
    std::map<LinkId, Snapshot> snapshots_;
};

}  // namespace zabd::server
