// One server's part in ZAB. Today it knows the ensemble of one: it leads from the start, and what its own disk has is
// what a quorum has.
//
// Effects   none. What happens comes in through step(); what must be done goes out through `out`, to be carried out in
//           that order.
// Disk      AppendToLog is answered by LogDurable at any later time. Whatever must wait for the disk is held back here.
// Epochs    a lone voter keeps its epoch across restarts and goes on counting; shortly before the counter runs out it
//           moves to counter 1 of the next epoch.
// Invariants applied <= committed <= durable <= proposed (for a lone voter); each only grows.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "zab/membership.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <variant>
#include <vector>

namespace zabd::zab {

/// The last counter that is used of an epoch; the rest is left as room for what may be in flight.
inline constexpr Counter kCounterMax = 0xffffffff - (Counter{1} << 20);

// Inputs

/// A record that was in our log when we started. In log order, before anything else.
struct Logged {
    Zxid zxid;
    Bytes txn;
};
/// A transaction to broadcast. Its zxid is the one that next_zxid() has told.
struct Submit {
    Zxid zxid;
    Bytes txn;
};
/// This and all before it survive a power cut.
struct LogDurable {
    Zxid up_to;
};
using Input = std::variant<Logged, Submit, LogDurable>;

// Outputs

struct AppendToLog {
    Zxid zxid;
    Bytes txn;
};
/// Committed and durable here: to be applied now. In zxid order, without gaps.
struct Deliver {
    Zxid zxid;
    Bytes txn;
};
using Output = std::variant<AppendToLog, Deliver>;

struct Options {
    ServerId self{1};
    Membership membership{{ServerId{1}}};
    Counter counter_max = kCounterMax;  // tests lower it
};

class Participant {
public:
    /// `applied` is where the recovered state stands: history up to it is neither logged nor delivered again.
    Participant(Options options, Zxid applied);

    /// Appends to `out`.
    void step(const Input& input, std::vector<Output>& out);

    /// What the next Submit will be numbered.
    [[nodiscard]] Zxid next_zxid() const;
    [[nodiscard]] Zxid zxid_proposed() const { return zxid_proposed_; }
    [[nodiscard]] Zxid zxid_durable() const { return zxid_durable_; }
    [[nodiscard]] Zxid zxid_committed() const { return zxid_committed_; }
    [[nodiscard]] std::size_t in_flight() const { return proposals_.size(); }

private:
    void on(const Logged& logged, std::vector<Output>& out);
    void on(const Submit& submit, std::vector<Output>& out);
    void on(const LogDurable& durable, std::vector<Output>& out);
    void take_over(Zxid zxid, const Bytes& txn);
    void commit(std::vector<Output>& out);

    Options options_;
    /// Proposed and not yet delivered, oldest first.
    std::deque<Deliver> proposals_;
    /// How far each voter's log is durable. Our own disk is one voter like any other.
    std::map<ServerId, Zxid> durable_;
    Zxid zxid_proposed_;
    Zxid zxid_durable_;
    /// Highest zxid that a quorum has durable; never past zxid_durable_ here.
    Zxid zxid_committed_;
};

}  // namespace zabd::zab
