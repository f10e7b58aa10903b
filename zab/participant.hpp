// One server's part in ZAB: election, discovery, synchronisation, broadcast.
//
// Source    Junqueira, Reed, Serafini: Zab (DSN 2011), in the form of ZooKeeper 3.5 and later: docs/zab.md.
// Effects   none. What happens comes in through step(); what must be done goes out through `out`, in order (events.hpp).
// Disk      whatever must wait for the disk is held back in here, so the shell owes no other order than first in, first
//           out.
// Alone     a voter without other voters leads from the start on the same path: its own disk is the quorum. It keeps its
//           epoch across restarts and goes on counting; shortly before the counter runs out it moves to counter 1 of the
//           next epoch.
// Errors    none returned. A peer's bad or ill-timed packet closes its link; a broken invariant stops the process.
// Time      told with every step; only differences count.
// Invariants applied <= min(committed, durable in our own log). Nothing received before UPTODATE counts as committed.
#pragma once

#include "wire/time.hpp"
#include "zab/events.hpp"
#include "zab/membership.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zabd::zab {

/// The last counter that is used of an epoch; the rest is left as room for what may be in flight.
inline constexpr Counter kCounterMax = 0xffffffff - (Counter{1} << 20);
/// Epochs travel as signed numbers. Nobody accepts this one, as no leader could take it further.
inline constexpr Epoch kEpochMax = 0x7fffffff;

struct Options {
    ServerId self{1};
    Membership membership{{ServerId{1}}};
    std::string config_text{};  // of the membership, for peers: "server.1=...\nversion=0"
    Millis tick{2000};
    int init_limit = 10;                      // ticks for discovery and synchronisation, or since their last progress
    int sync_limit = 5;                       // ticks that a peer may be silent, or a disk stand still
    Counter counter_max = kCounterMax;        // tests lower it
    std::size_t window_bytes_max = 32 << 20;  // of committed records kept in memory for learners that lag a little
    std::size_t catch_up_bytes = 1 << 20;     // read from the log at once, for one that lags more
};

/// What the disk knew at the start.
struct Recovered {
    Zxid applied{};    // where the recovered state stands: history up to it is not delivered again
    Zxid log_begin{};  // records behind it can be read from the log
    HardState hard_state;
    std::vector<Zxid> epoch_ends{};  // behind log_begin and up to `applied`: the last zxid of each epoch that is over
};

/// A learner of this leader.
struct LearnerStatus {
    ServerId server{};
    bool observes = false;
    bool up_to_date = false;  // its synchronisation is over
    Zxid acked{};             // durable in its log; of an observer, which does not say: sent to it
};

class Participant {
public:
    Participant(const Options& options, const Recovered& recovered);
    ~Participant();

    /// Appends to `out`.
    void step(Instant now, const Input& input, std::vector<Output>& out);

    // Leader: may something be submitted, and what will it be numbered? Not while an epoch is being handed over.
    [[nodiscard]] bool accepts() const;
    [[nodiscard]] Zxid next_zxid() const;

    [[nodiscard]] Role role() const;
    [[nodiscard]] bool serving() const;
    /// We lead, and a quorum has spoken within the last tick.
    [[nodiscard]] bool hears_quorum() const;
    /// The leader we follow, or ourselves; nullopt while looking.
    [[nodiscard]] std::optional<ServerId> leader() const;
    [[nodiscard]] const HardState& hard_state() const;
    [[nodiscard]] Zxid zxid_proposed() const;  // last in our log, or on its way there
    [[nodiscard]] Zxid zxid_durable() const;
    [[nodiscard]] Zxid zxid_committed() const;
    [[nodiscard]] std::size_t in_flight() const;  // records that are proposed and not delivered
    /// Leader: learners that are up to date; observers are not among the voters.
    [[nodiscard]] std::size_t synced_voters() const;
    [[nodiscard]] std::size_t synced_observers() const;
    /// Leader: all that have told who they are, by the order of their links.
    [[nodiscard]] std::vector<LearnerStatus> learners() const;
    /// Leader: there is a follower that StepDown could favour.
    [[nodiscard]] bool can_step_down() const;
    /// The log must not let go of what lies behind it: a learner is to be sent that.
    [[nodiscard]] Zxid log_needed() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::zab
