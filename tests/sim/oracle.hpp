// Between a server's core and the rest of the world: sees every frame and every transaction, keeps the model at the
// zxid of what it sees, and tells the checkers what that means.
//
// Binding   a transaction is joined to the request that it came from by its session and xid, so that the model carries
//           out what the client asked and not what the server made of it.
// Crash     the model only follows what the core had applied, which was durable; so nothing is ever taken back.
#pragma once

#include "tests/sim/checkers/checker.hpp"
#include "wire/bytes.hpp"

#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace zabd::sim {

using Checkers = std::vector<std::unique_ptr<Checker>>;

class Oracle {
public:
    explicit Oracle(Checkers& checkers) : checkers_(checkers) {}

    void opened(ConnectionId connection) { connections_.try_emplace(connection); }
    /// A frame that the core is about to get.
    void frame_in(ConnectionId connection, std::string_view frame, Now now);
    void proposed(Zxid zxid, const Bytes& txn, Now now);
    /// The core is told that the log's room is limited, or not any more.
    void room_told(bool limited);
    /// A frame that the core gave out, without its prefix.
    void frame_out(ConnectionId connection, std::string_view frame, Now now);
    /// The connection gets nothing more.
    void closed(ConnectionId connection);
    void batch_end(const core::Core& core, Now now, std::size_t frames);
    void went_down();
    void recovered(const Recovery& recovery);

    [[nodiscard]] const Model& model() const { return model_; }
    [[nodiscard]] Zxid zxid() const { return zxid_; }

    template <class Tell>
    void tell(const Tell& tell) {
        for (const auto& checker : checkers_) tell(*checker);
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
    struct Proposal {
        wire::TxnHeader header;
        Bytes txn;
        std::optional<Asked> asked;  // nullopt: the server itself
        ConnectionId asker = ConnectionId::kNone;
    };

    void advance_to(Zxid zxid);
    void commit(const Proposal& proposal);
    Outcome carry_out(const Proposal& proposal);
    void greeting_out(ConnectionId id, Connection& connection, std::string_view frame, Now now);
    void event_out(ConnectionId id, const Connection& connection, const wire::ReplyHeader& header,
                   std::string_view body);
    void reply_out(ConnectionId id, Connection& connection, const wire::ReplyHeader& header, std::string_view body);
    [[nodiscard]] Connection* owner_of(SessionId session, ConnectionId& id);

    Checkers& checkers_;
    Model model_;
    Zxid zxid_;  // where the model stands
    std::deque<Proposal> proposals_;
    std::map<ConnectionId, Connection> connections_;
    std::map<SessionId, ConnectionId> owners_;
    std::map<SessionId, wire::Password> passwords_;  // as given out
    bool room_limited_ = false;
};

}  // namespace zabd::sim
