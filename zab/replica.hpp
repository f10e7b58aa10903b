// What a server holds whatever its role: its history and hard state, and how far it is durable, committed, delivered.
//
// Rule      a record is delivered once it is committed and durable here, in order (hazard Z-14).
// Disk      what a change of role left on its way to the disk counts once it is there: settled() says that nothing is.
#pragma once

#include "wire/time.hpp"
#include "zab/events.hpp"
#include "zab/history.hpp"
#include "zab/participant.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace zabd::zab {

using Outputs = std::vector<Output>;

class Replica {
public:
    Replica(const Options& options, const Recovered& recovered);

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] const History& history() const { return history_; }
    [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
    [[nodiscard]] Zxid durable() const { return durable_; }
    [[nodiscard]] Zxid committed() const { return committed_; }
    [[nodiscard]] Zxid delivered() const { return delivered_; }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    [[nodiscard]] Millis ticks(int count) const { return options_.tick * count; }

    /// Nothing is on its way to the disk.
    [[nodiscard]] bool settled() const { return log_settled() && saves_pending_ == 0; }
    /// All of the history is durable.
    [[nodiscard]] bool log_settled() const { return rewrites_pending_ == 0 && durable_ == history_.last(); }
    /// A truncation or an installed snapshot is on its way.
    [[nodiscard]] bool rewriting() const { return rewrites_pending_ != 0; }
    [[nodiscard]] bool saving() const { return saves_pending_ != 0; }
    /// For how long the disk has owed what it was given.
    [[nodiscard]] Millis stalled(Instant now) const { return log_settled() ? Millis(0) : now - progress_at_; }

    void recover(const Logged& logged);
    /// What is durable need not stay in memory, delivered or not: the window keeps what it may, the rest is read again.
    void trim();
    void append(Instant now, Record record, Outputs& out);
    void truncate(Instant now, Zxid up_to, Outputs& out);
    /// A snapshot takes the place of all there is.
    void install(Instant now, Zxid zxid, Outputs& out);
    void save(const HardState& state, Outputs& out);
    /// Whether a ZooKeeper server is a member, for what is proposed from here on.
    void note_mixed(bool mixed, Outputs& out);
    /// Known to be committed. Never goes back.
    void commit(Zxid up_to);
    /// Some member has accepted it: a later leader's must be above.
    void note_epoch(Epoch accepted) { epoch_noted_ = std::max(epoch_noted_, accepted); }
    [[nodiscard]] Epoch epoch_noted() const { return epoch_noted_; }
    /// The shell holds back what it could say of the disk.
    void note_disk_alive(Instant now) { progress_at_ = now; }
    /// What may be delivered now is.
    void deliver(Outputs& out);

    void on(Instant now, const LogDurable& durable);
    void on(Instant now, const LogTruncated& truncated);
    void on(Instant now, const SnapshotInstalled& installed);
    void on(const HardStateSaved&) { --saves_pending_; }
    void on(const LogBegins& begins) { history_.begin_at(begins.after); }
    /// True if it was ours.
    bool on(const LogRead& read, Outputs& out);

    [[nodiscard]] std::uint64_t next_tag() { return ++tag_last_; }

private:
    void deliver(const Record& record, Outputs& out);

    Options options_;
    History history_;
    HardState hard_state_;
    Zxid durable_;
    Zxid committed_;
    Zxid delivered_;
    std::size_t in_flight_ = 0;
    int saves_pending_ = 0;
    int rewrites_pending_ = 0;  // truncations and installations: until they are done, what the log says is of before
    Instant progress_at_{};     // the disk gave something, or was given something when it owed nothing
    Epoch epoch_noted_ = 0;
    std::uint64_t tag_last_ = 0;
    std::uint64_t reading_ = 0;  // tag of what we read for ourselves; 0: nothing
};

}  // namespace zabd::zab
