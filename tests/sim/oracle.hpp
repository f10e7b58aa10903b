// Between a server's core and the rest of the world: sees every frame and every transaction, keeps a model at the zxid of
// what it sees, and tells the checkers what that means.
//
// History   what the server applies must be what the history has there; the model follows it, and is set back to where the
//           server's state stands when it starts anew.
#pragma once

#include "tests/sim/checkers/checker.hpp"
#include "wire/bytes.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace zabd::sim {

using Checkers = std::vector<std::unique_ptr<Checker>>;

class Oracle {
public:
    Oracle(ServerId server, History& history, Checkers& world) : server_(server), history_(history), world_(world) {}
    /// Those that hear of this server alone.
    [[nodiscard]] Checkers& own() { return own_; }

    void opened(ConnectionId connection) { connections_.try_emplace(connection); }
    /// A frame that the core is about to get.
    void frame_in(ConnectionId connection, std::string_view frame);
    /// It enters the server's log.
    void appended(Zxid zxid, const Bytes& txn);
    /// All behind it leaves the log.
    void truncated(Zxid zxid);
    /// A state that came from elsewhere takes the place of log and state.
    void replaced(Zxid zxid);
    /// The core is told that the log's room is limited, or not any more.
    void room_told(bool limited);
    /// The core has been given an input: what it gives out now it says of a state up to `applied`.
    void stepped(Zxid applied);
    /// A frame that the core gave out, without its prefix.
    void frame_out(ConnectionId connection, std::string_view frame);
    /// The connection gets nothing more.
    void closed(ConnectionId connection);
    void batch_end(const core::Core& core, const DiskFacts& disk, Now now, std::size_t frames);
    void went_down();
    /// `log`: the records that were found in it. `alone`: what was not found never was.
    void recovered(const Recovery& recovery, std::set<Zxid> log, bool alone);

    // --- of a server that is not zabd, which tells itself ---
    /// What a start finds: the log's records, and a snapshot up to `snapshot`.
    void starts_anew(std::set<Zxid> log, Zxid snapshot);
    /// It knows that all up to there is committed, and has carried it out.
    void carried_out(Zxid zxid, std::uint64_t digest);

    [[nodiscard]] const Model& model() const { return model_; }
    [[nodiscard]] Zxid zxid() const { return zxid_; }

    template <class Tell>
    void tell(const Tell& tell) {
        for (const auto& checker : own_) tell(*checker);
        for (const auto& checker : world_) tell(*checker);
    }

private:
    struct Connection {
        bool greeting_sent = false;
        bool greeted = false;
        SessionId asked_for = SessionId::kNone;
        wire::Password password{};
        SessionId session = SessionId::kNone;
        std::deque<Asked> asked;
    };

    void advance_to(Zxid zxid);
    void commit(Zxid zxid);
    void bind(const History::Record& record, Outcome outcome);
    void greeting_out(ConnectionId id, Connection& connection, std::string_view frame);
    [[nodiscard]] bool ended(SessionId session) const;
    void event_out(ConnectionId id, const Connection& connection, const wire::ReplyHeader& header,
                   std::string_view body);
    void reply_out(ConnectionId id, Connection& connection, const wire::ReplyHeader& header, std::string_view body);

    const ServerId server_;
    History& history_;
    Checkers& world_;
    Checkers own_;
    Model model_;
    Zxid zxid_;                 // where the model stands
    Zxid applied_;              // where the server stands
    std::set<Zxid> log_;        // what the server has logged behind it, and some before
    Zxid log_last_;             // the last one in its log, or where that begins
    Zxid replaced_at_;          // the state that came from elsewhere last
    bool provisional_ = false;  // the state that came from elsewhere is not said to be committed yet
    bool set_back_ = false;     // that one is older than the server's own, and has not taken its place yet
    std::map<ConnectionId, Connection> connections_;
    std::map<SessionId, ConnectionId> owners_;
};

}  // namespace zabd::sim
