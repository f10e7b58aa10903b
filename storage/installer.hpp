// A new checkpoint and an empty log, made beside those in use, which then take their place.
//
// Use       put() the images of a whole state, the first one with `begins`; finish(); once `done` has been called: start the
//           new log and checkpoint, hand them what was kept for them, and retire() the old ones.
// Keep      what is to be appended to the log or put into the checkpoint after finish() belongs to the new ones, so the
//           caller keeps it until `done`. Callbacks of the old ones say nothing that counts from finish() on.
// Switch    both are durable beside the old ones before the hard state, in one write, names their generation. Before
//           it a crash leaves the old state, after it the new one; a start removes the other one's directories.
// Order     hard state that speaks of the new history is to be saved after `done`: saved before, it might be there without
//           that history.
// Threads   calls from one thread (the core's); the work and `done` on one of its own, started by the first call.
// Errors    a failed write or sync stops the process. A full disk is waited for, until drop().
// Bounds    images wait in memory up to kBatchBytes, and as many more as come while a batch is written.
#pragma once

#include "storage/checkpoint.hpp"
#include "storage/data_dir.hpp"
#include "storage/hard_state_writer.hpp"
#include "storage/log.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace zabd::storage {

struct InstallerOptions {
    std::size_t segment_bytes = LogOptions{}.segment_bytes;
    std::uint64_t retain_bytes = LogOptions{}.retain_bytes;
    CheckpointTriggers checkpoint{};
    std::uint64_t generation = 0;  // of what is in use
};

/// Not started yet.
struct Installed {
    Zxid zxid;
    std::unique_ptr<Checkpoint> checkpoint;
    std::unique_ptr<Log> log;  // empty, and begins behind zxid
};

class Installer {
public:
    static constexpr std::uint64_t kBatchBytes = 64 << 20;

    /// Both outlive it.
    Installer(const DataDir& directory, HardStateWriter& hard_state, const InstallerOptions& options);
    ~Installer();
    Installer(const Installer&) = delete;
    Installer& operator=(const Installer&) = delete;

    /// `begins`: what was put before is forgotten.
    void put(wire::StateImages images, bool begins);
    /// What was put is whole; the last images were of `zxid`.
    void finish(Zxid zxid, std::function<void(Installed)> done);
    /// What was put is forgotten. Not between finish() and `done`.
    void drop();
    /// Stops what was in use before `done`, and removes its files.
    void retire(std::unique_ptr<Log> log, std::unique_ptr<Checkpoint> checkpoint);

private:
    class Worker;
    std::unique_ptr<Worker> worker_;
};

}  // namespace zabd::storage
