// The way of a transaction on this server: prepared and proposed if it leads, logged, committed, applied; and what of it goes
// to the checkpoint. Here is the replicated state; who asked and who is told is the clients' side (core_impl.hpp).
//
// Order     transactions are applied in zxid order, each wholly. After each one on_applied is called, before the next is
//           applied, so that what runs then sees exactly the state at its zxid.
//           What zab asks for is carried out first in, first out: what is submitted while something is being carried out
//           comes behind it, as it does on each link.
// Errors    none. A log that does not fit its own history is a broken invariant.
#pragma once

#include "server/core/core.hpp"
#include "server/core/snapshot_receiver.hpp"
#include "session/table.hpp"
#include "wire/txns.hpp"
#include "zab/participant.hpp"
#include "znode/prepare.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::core {

/// Who asks for a transaction, and when.
struct Asker {
    SessionId session = SessionId::kNone;  // kNone: the reaper
    Xid xid = 0;
    znode::Identities identities{};
    WallTime time{};
};

class Pipeline {
public:
    using OnApplied = std::function<void(const wire::TxnHeader& header, Outputs& out)>;
    /// What zab asks for that is not about history: links, roles, sessions.
    using OnOutput = std::function<void(zab::Output&& output, Outputs& out)>;

    Pipeline(const Options& options, Recovered recovered, OnApplied on_applied, OnOutput on_output);

    /// For what zab is told from here on.
    void set_time(Instant now) { now_ = now; }
    /// Tells zab. All that it says is carried out before this returns, but for calls from within.
    void tell(const zab::Input& input, Outputs& out);
    [[nodiscard]] const zab::Participant& zab() const { return zab_; }
    [[nodiscard]] bool alone() const { return alone_; }

    // Each prepares one transaction and proposes it; zab accepts that. What cannot be done becomes an error transaction.
    void submit(const Asker& asker, wire::OpCode op, std::string_view body, Outputs& out);
    void submit_error(const Asker& asker, wire::ErrorCode error, Outputs& out);
    void submit_create_session(const Asker& asker, Millis timeout, Outputs& out);
    /// From here on nothing more of the session is accepted.
    void submit_close_session(const Asker& asker, Outputs& out);
    /// We lead no more: what was proposed from here may come about or not.
    void discard_proposals();

    void on(const LogRecovered& recovered, Outputs& out);
    void on(const LogRoom& room) { room_bytes_ = room.bytes; }

    /// The log has room for a transaction of so many bytes behind all that is in flight, and `reserve_bytes` besides.
    [[nodiscard]] bool has_room(std::uint64_t txn_bytes, std::uint64_t reserve_bytes) const;
    /// Proposed from here, and not applied.
    [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }

    /// Hands on what changed since the last time, if anything did.
    void put_checkpoint(Outputs& out);
    /// The state is to be replaced, once that is durable.
    void begin_replacement(Replacement replacement, Outputs& out);
    void finish_replacement();
    /// /zookeeper/config, which every server keeps for itself: outside of history and digest.
    void set_config(std::string_view text, WallTime time);

    [[nodiscard]] const znode::State& state() const { return state_; }
    [[nodiscard]] const session::Table& sessions() const { return sessions_; }
    /// Open, or a leader's proposals in flight open it; and they do not close it.
    [[nodiscard]] bool accepts(SessionId session) const;
    /// Open, or proposals in flight open it, whatever comes behind them.
    [[nodiscard]] bool knows(SessionId session) const;
    [[nodiscard]] Zxid zxid_applied() const { return zxid_applied_; }
    /// When the transaction applied last had come as far on this server, to the ms of a batch.
    struct Times {
        Zxid zxid;
        Instant logged{};   // handed to the log
        Instant durable{};  // in it
    };
    [[nodiscard]] const Times& times_of_applied() const { return times_of_applied_; }
    /// The log says so.
    void on_durable(Zxid up_to);

    /// How often the state was replaced as a whole: ids of nodes mean nothing across that.
    [[nodiscard]] std::uint64_t replacements() const { return replacements_; }
    /// Of the transaction applied last; good during on_applied.
    [[nodiscard]] const znode::Changes& changes() const { return changes_; }
    [[nodiscard]] const std::deque<DigestSample>& digests() const { return digests_; }
    /// See Status.
    [[nodiscard]] std::uint64_t digests_compared() const { return digests_compared_; }
    [[nodiscard]] std::uint64_t digest_mismatches() const { return digest_mismatches_; }

    void check_invariants() const;

private:
    znode::WriteContext begin(const Asker& asker);
    void propose(Outputs& out);
    void carry_out(zab::Output&& output, Outputs& out);
    void deliver(const zab::Deliver& committed, Outputs& out);
    void apply_to_sessions(const wire::TxnHeader& header, std::string_view body);
    void take_times(Zxid applied);
    void sample_digest();
    void compare_digest(std::string_view txn, Outputs& out);
    void collect_images(std::size_t txn_bytes);

    znode::State state_;
    session::Table sessions_;
    zab::Participant zab_;
    bool alone_;
    znode::Preparer preparer_;
    OnApplied on_applied_;
    OnOutput on_output_;
    Instant now_{};
    /// What clients see: everything up to here is in the tree. Grows only.
    Zxid zxid_applied_;
    /// Sessions whose createSession, or close, is in flight.
    std::set<SessionId> opening_;
    std::set<SessionId> closing_;
    /// Of the proposals in flight that we prepared, oldest first.
    struct InFlight {
        Zxid zxid;
        std::uint64_t log_bytes;  // at worst
    };
    std::deque<InFlight> in_flight_;
    std::uint64_t in_flight_bytes_ = 0;
    std::uint64_t room_bytes_ = kUnlimitedRoom;  // of the log, behind what is durable
    std::uint64_t log_overhead_bytes_max_;
    std::deque<Times> times_;        // of what is in the log, or on its way, and not applied
    std::size_t durable_times_ = 0;  // of them, from the front: are durable
    Times times_of_applied_;
    znode::Changes changes_;
    std::string txn_;                       // being prepared
    std::vector<zab::Output> zab_outputs_;  // being carried out
    bool carrying_out_ = false;
    wire::StateImages images_;  // since the last PutCheckpoint
    bool images_due_ = true;    // the first one also says that there is a state
    std::optional<Replacement> replacement_;
    std::uint64_t replacements_ = 0;
    std::deque<DigestSample> digests_;
    std::uint64_t digests_compared_ = 0;
    std::uint64_t digest_mismatches_ = 0;
};

}  // namespace zabd::core
