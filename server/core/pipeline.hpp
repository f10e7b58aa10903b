// The way of a transaction on this server: prepared, proposed, logged, committed, applied; and what of it goes to the
// checkpoint. Here is the replicated state; who asked and who is told is the clients' side (core_impl.hpp).
//
// Order     transactions are applied in zxid order, each wholly. After each one on_applied is called, before the next is
//           applied, so that what runs then sees exactly the state at its zxid.
// Errors    none. A log that does not fit its own history is a broken invariant.
#pragma once

#include "server/core/core.hpp"
#include "session/table.hpp"
#include "wire/txns.hpp"
#include "zab/participant.hpp"
#include "znode/prepare.hpp"

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::core {

/// Who asks for a transaction, and when.
struct Asker {
    ConnectionId connection = ConnectionId::kNone;  // kNone: the server itself
    SessionId session = SessionId::kNone;           // kNone: the reaper
    Xid xid = 0;
    znode::Identities identities{};
    WallTime time{};
};

class Pipeline {
public:
    /// `asked`: the connection of its Asker; kNone for what was recovered.
    using OnApplied = std::function<void(const wire::TxnHeader& header, ConnectionId asked, Outputs& out)>;

    Pipeline(const Options& options, Recovered recovered, OnApplied on_applied);

    /// What the next submission will be numbered.
    [[nodiscard]] Zxid next_zxid() const { return zab_.next_zxid(); }

    /// Each prepares one transaction and proposes it. What cannot be done becomes an error transaction.
    void submit(const Asker& asker, wire::OpCode op, std::string_view body, Outputs& out);
    void submit_error(const Asker& asker, wire::ErrorCode error, Outputs& out);
    void submit_create_session(const Asker& asker, Millis timeout, Outputs& out);
    /// From here on nothing more of the session is accepted.
    void submit_close_session(const Asker& asker, Outputs& out);

    void on(const LogRecovered& recovered, Outputs& out);
    void on(const LogDurable& durable, Outputs& out);
    void on(const LogRoom& room) { room_bytes_ = room.bytes; }

    /// The log has room for a transaction of so many bytes behind all that is in flight, and `reserve_bytes` besides.
    [[nodiscard]] bool has_room(std::uint64_t txn_bytes, std::uint64_t reserve_bytes) const;
    [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }

    /// Hands on what changed since the last time, if anything did.
    void put_checkpoint(Outputs& out);

    [[nodiscard]] const znode::State& state() const { return state_; }
    [[nodiscard]] const session::Table& sessions() const { return sessions_; }
    /// Open, and its close is not in flight.
    [[nodiscard]] bool accepts(SessionId session) const;
    [[nodiscard]] Zxid zxid_applied() const { return zxid_applied_; }
    [[nodiscard]] Zxid zxid_proposed() const { return zab_.zxid_proposed(); }
    /// Of the transaction applied last; good during on_applied.
    [[nodiscard]] const znode::Changes& changes() const { return changes_; }
    [[nodiscard]] const std::deque<DigestSample>& digests() const { return digests_; }

    void check_invariants() const;

private:
    znode::WriteContext begin(const Asker& asker);
    void propose(const Asker& asker, Outputs& out);
    void drive(const zab::Input& input, Outputs& out);
    void deliver(const zab::Deliver& committed, Outputs& out);
    void apply_to_sessions(const wire::TxnHeader& header, std::string_view body);
    void sample_digest();
    void collect_images(std::size_t txn_bytes);

    znode::State state_;
    session::Table sessions_;
    zab::Participant zab_;
    znode::Preparer preparer_;
    OnApplied on_applied_;
    /// What clients see: everything up to here is in the tree. Grows only.
    Zxid zxid_applied_;
    /// Sessions whose close is in flight.
    std::set<SessionId> closing_;
    /// Who asked for the proposals in flight, oldest first.
    struct InFlight {
        Zxid zxid;
        ConnectionId connection;
        std::uint64_t log_bytes;  // at worst
    };
    std::deque<InFlight> in_flight_;
    std::uint64_t in_flight_bytes_ = 0;
    std::uint64_t room_bytes_ = kUnlimitedRoom;  // of the log, behind what is durable
    std::uint64_t log_overhead_bytes_max_;
    znode::Changes changes_;
    std::string txn_;                       // being prepared
    std::vector<zab::Output> zab_outputs_;  // scratch of drive()
    wire::StateImages images_;              // since the last PutCheckpoint
    bool images_due_ = true;                // the first one also says that there is a state
    std::deque<DigestSample> digests_;
};

}  // namespace zabd::core
