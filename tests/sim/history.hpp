// The one history of a world: what was asked, what was proposed for it, and what of that was committed. Whatever any server
// applies must be a prefix of it.
//
// Binding   a transaction is joined to the request that it came from by its session and xid, so that the model carries out
//           what the client asked and not what the servers made of it.
// Growth    the first server that applies a transaction commits it; nothing is ever taken back.
// Errors    throws Violation.
#pragma once

#include "tests/sim/model.hpp"
#include "tests/sim/stage.hpp"
#include "wire/bytes.hpp"
#include "wire/connect.hpp"
#include "wire/ids.hpp"
#include "wire/txns.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::sim {

class History {
public:
    struct Request {
        wire::OpCode op = wire::OpCode::kNotification;
        std::string body;
        ServerId server{};  // that the client asked
        Zxid committed{};   // the transaction that it became
    };
    struct Record {
        wire::TxnHeader header;
        Bytes txn;
        Request* request = nullptr;  // nullptr: the servers' own
        ServerId proposer{};
        bool refusable = false;  // its disk was full then
    };
    using Records = std::map<Zxid, Record>;

    void asked(SessionId session, Xid xid, Request request);
    /// It enters that server's log; `first`: as the first log of all, so by its proposer.
    struct Appended {
        const Record& record;
        bool first = false;
    };
    Appended append(ServerId server, Zxid zxid, const Bytes& txn);

    /// Of a lone server: what was proposed behind it was lost, and its zxids are given anew.
    void forget_behind(Zxid zxid) { records_.erase(records_.upper_bound(zxid), records_.end()); }

    /// A server whose log has it applies it as the one behind `before`. True: it is the first one that does.
    bool commit(ServerId server, Zxid before, Zxid zxid);
    [[nodiscard]] const Record& record(Zxid zxid) const { return records_.at(zxid); }
    /// The beginning of an epoch counts: ZooKeeper gives that number to the state that an epoch begins with.
    [[nodiscard]] bool committed(Zxid zxid) const { return zxid.counter() == 0 || committed_.contains(zxid); }
    [[nodiscard]] Zxid zxid_committed() const { return committed_.empty() ? Zxid{} : committed_.rbegin()->first; }
    [[nodiscard]] std::size_t transactions() const { return committed_.size(); }
    /// The committed one behind it; nullopt: none is.
    [[nodiscard]] std::optional<Zxid> behind(Zxid zxid) const;

    /// Carries it out on the model.
    static Outcome carry_out(const Record& record, Model& model);
    /// The state after a committed zxid.
    [[nodiscard]] Model model_at(Zxid zxid) const;
    /// Kept now and then, for model_at().
    void keep(Zxid zxid, const Model& model);

    /// Of the tree, as a server says it is after `zxid`.
    void compare_digest(ServerId server, Zxid zxid, std::uint64_t digest);

    /// Of sessions, as given out.
    std::map<SessionId, wire::Password> passwords;
    /// Told to a client.
    void acknowledge(Zxid zxid) { acknowledged_ = std::max(acknowledged_, zxid); }
    [[nodiscard]] Zxid zxid_acknowledged() const { return acknowledged_; }

    /// Some member's snapshots hold more than their zxid says, and what was not committed.
    bool snapshots_are_provisional = false;

    /// How often a core was told of a full disk, and whether one is so now.
    std::uint64_t room_limits = 0;
    std::map<ServerId, bool> room_limited;
    [[nodiscard]] bool any_room_limited() const;

private:
    struct Committed {
        std::optional<std::uint64_t> digest{};
        ServerId told_by{};
    };
    std::map<std::pair<SessionId, Xid>, Request> requests_;
    Records records_;
    std::map<Zxid, Committed> committed_;
    std::set<SessionId> sessions_given_;  // ever
    std::map<Zxid, Model> models_;
    Zxid acknowledged_;
};

}  // namespace zabd::sim
