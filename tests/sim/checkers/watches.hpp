// I-WATCH: events are those that the model causes, each once, in its order, and before any reply that shows its cause.
//
// At the core     exactly, for each server: the checker keeps its own tables of who watches what on each connection.
// At the clients  end to end, for the world: a reply never shows what a watch should have told before, no event comes
//                 unasked for, and when all is quiet no watch that still stands has anything left to tell. Not on paths
//                 that were unreadable for a while, as a watch there may have been spent unseen.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace zabd::sim {

class WatchesChecker final : public Checker {
public:
    void on_committed(const Committed& committed, const Model& model) override;
    void on_event(ConnectionId connection, Zxid zxid, const wire::WatcherEvent& event, const Asked* next,
                  const Model& model) override;
    void on_reply(const Reply& reply, const Model& model) override;
    void on_closed(ConnectionId connection) override { connections_.erase(connection); }
    void on_batch_end(const BatchEnd& end, const Model& model) override;
    void on_down(ServerId) override { connections_.clear(); }

private:
    using Kinds = unsigned;
    static constexpr Kinds kData = 1, kChild = 2, kPersistent = 4, kRecursive = 8;

    struct Event {
        wire::EventType type;
        std::string path;
        friend bool operator==(const Event&, const Event&) = default;
    };
    struct Connection {
        std::map<std::string, Kinds, std::less<>> watches;
        std::deque<Event> due;          // of transactions
        std::deque<Event> catching_up;  // of the setWatches that is next to be answered
        bool evaluated = false;         // that setWatches
    };

    static bool fire(Connection& connection, const ModelEvent& event);
    static void evaluate(Connection& connection, const Asked& asked, const Model& model);
    static void arm(Connection& connection, const Reply& reply);

    std::map<ConnectionId, Connection> connections_;
};

class ClientWatchesChecker final : public Checker {
public:
    void on_committed(const Committed& committed, const Model& model) override;
    void on_client_connected(ClientId client, SessionId) override { clients_[client].told_in_catching_up.clear(); }
    void on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                         std::string_view body) override;
    void on_client_event(ClientId client, const wire::WatcherEvent& event, bool catching_up) override;
    void on_client_lost_session(ClientId client) override { clients_.erase(client); }
    void on_quiet(const Model& model) override;

private:
    /// As a client knows it: since which zxid.
    struct Standing {
        std::map<std::string, Zxid, std::less<>> data, exist, child;
        std::set<std::string, std::less<>> persistent, recursive;
        std::set<std::string, std::less<>> told_in_catching_up;  // since it is connected
    };

    void stand(Standing& standing, const Sent& sent, const wire::ReplyHeader& header);
    void check_shown(ClientId client, const Standing& standing, const Sent& sent, const wire::ReplyHeader& header,
                     std::string_view body) const;

    std::map<ClientId, Standing> clients_;
    std::set<std::string, std::less<>> unreadable_;  // at some time
};

}  // namespace zabd::sim
