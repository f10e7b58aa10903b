// What the log and the checkpoint say of themselves, put together as the core is to hear it.
//
// Rule      a checkpoint that is behind holds commits back, and through the limit of requests in flight the clients, until
//           less waits for it. When it cannot go on for want of space there is nothing to wait for: then writes are
//           refused.
// Effects   none.
#pragma once

#include "server/core/core.hpp"
#include "storage/checkpoint_writer.hpp"
#include "storage/log.hpp"

#include <optional>

namespace zabd::server {

class StorageProgress {
public:
    /// For the core, in this order: what follows from the second may already need the first.
    struct Told {
        core::LogRoom room;
        core::LogDurable durable;
    };

    StorageProgress() = default;
    StorageProgress(Zxid zxid_logged, Zxid zxid_checkpointed) {
        log_.zxid_durable = zxid_logged;
        checkpoint_.zxid_durable = zxid_checkpointed;
    }

    /// One that another has overtaken says nothing.
    void take(const storage::LogProgress& log);
    void take(const storage::CheckpointProgress& checkpoint) { checkpoint_ = checkpoint; }
    /// The checkpoint has more than it should; it will say when no longer.
    void hold_back() { checkpoint_.behind = true; }
    /// No more will come that a checkpoint would have to hold back.
    void let_go() { checkpoint_.behind = false; }

    /// nullopt: not yet.
    [[nodiscard]] std::optional<Told> told() const;
    [[nodiscard]] bool out_of_space() const;
    [[nodiscard]] const storage::LogProgress& log() const { return log_; }
    [[nodiscard]] const storage::CheckpointProgress& checkpoint() const { return checkpoint_; }

private:
    storage::LogProgress log_;
    storage::CheckpointProgress checkpoint_;
};

}  // namespace zabd::server
