// The disk of a core: carries out what it asks of log, checkpoint and hard state, and brings back what they say.
//
// Order     what is asked of the log, and of the hard state, is done in order. While a snapshot is being installed,
//           what was asked for behind it waits until it is in its place.
// Threads   all calls on the io thread; what the threads of the storage say is brought there.
// Errors    open() by value; a disk that fails later ends the process.
#pragma once

#include "server/config.hpp"
#include "server/core_feed.hpp"
#include "server/progress_signal.hpp"
#include "server/storage_progress.hpp"
#include "server/words.hpp"
#include "storage/recovery.hpp"

#include <functional>
#include <memory>
#include <variant>
#include <vector>

namespace zabd::server {

/// Who makes the core from what was found.
struct CoreMaking {
    /// What the checkpoint held. Once more, if that had to be put aside.
    std::function<void(core::Recovered)> on_state;
    /// Each record behind it; what the core says to it may be given to carry_out() at once.
    std::function<void(core::LogRecovered)> on_record;
};

class StorageShell {
public:
    /// All outlive it.
    StorageShell(boost::asio::io_context& io, const Config& config, CoreFeed& feed);

    Result<void> open(const CoreMaking& making);
    /// From here on it brings what it has to say.
    void start();

    void carry_out(core::AppendToLog& output);
    void carry_out(core::PutCheckpoint& output);
    void carry_out(core::TruncateLog& output);
    void carry_out(core::ReadLog& output);
    void carry_out(core::SaveHardState& output);
    void carry_out(core::PutInstall& output) { storage_.installer->put(std::move(output.images), output.begins); }
    void carry_out(core::FinishInstall& output);
    void carry_out(core::DropInstall&) { storage_.installer->drop(); }
    /// Something was appended that is not on its way yet.
    [[nodiscard]] bool wants_flush() const { return appended_; }
    /// `may_wait`: for a disk that was fast so far to take a single record (storage/log.hpp).
    void flush(bool may_wait);

    /// A view of the newest checkpoint, on the io thread; nullptr: there can be none now.
    using OnSnapshot = std::function<void(std::unique_ptr<storage::SnapshotSource>)>;
    void open_snapshot(OnSnapshot ready);

    /// About every tick: looks for what an operator should know.
    void look();
    void count(ServerFigures& figures) const;
    /// Cut from the log's tail at the start.
    [[nodiscard]] std::uint64_t torn_bytes() const { return storage_.log_found.torn_bytes; }

    /// What was taken becomes durable and is told; nothing more is taken.
    void stop_log();
    /// The checkpoint is written.
    void stop_checkpoint();

private:
    [[nodiscard]] Result<void> check_directories() const;
    void start_log_and_checkpoint();
    void installed(storage::Installed installed);
    void log_went_on(const storage::LogProgress& progress);
    void checkpoint_went_on(const storage::CheckpointProgress& progress);
    void tell_truncations(std::uint64_t count);
    void tell_begin(Zxid zxid);
    void tell_progress();
    void report_sync_time() const;
    void warn_of_slow_syncs(const storage::Log::Figures& before, const storage::Log::Figures& now);
    void discard_log();
    void warn_of_checkpoint();

    boost::asio::io_context& io_;
    const Config& config_;
    CoreFeed& feed_;
    ProgressSignal<storage::LogProgress> log_signal_;
    ProgressSignal<storage::CheckpointProgress> checkpoint_signal_;
    StorageProgress progress_;
    bool appended_ = false;  // something waits for the log to be flushed
    bool log_stopped_ = false;
    bool installing_ = false;  // what belongs behind the snapshot is kept
    using Kept = std::variant<core::AppendToLog, core::PutCheckpoint, core::TruncateLog, core::SaveHardState>;
    std::vector<Kept> kept_;
    std::vector<Zxid> truncating_;  // asked for and not told of, in order
    std::uint64_t truncations_told_ = 0;
    Zxid begin_told_;
    Zxid zxid_discarded_;
    bool out_of_space_ = false;
    std::uint64_t slow_syncs_ = 0;    // looks that found one
    std::int64_t checkpoint_at_ = 0;  // wall ms: when it last went on; 0: there is none
    int idle_ticks_ = 0;              // without anything logged
    storage::Log::Figures log_seen_;
    storage::CheckpointFigures checkpoint_seen_;
    storage::Checkpoint* loading_ = nullptr;  // while open() replays the log
    storage::Storage storage_;                // below what its threads call
};

}  // namespace zabd::server
