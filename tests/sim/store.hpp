// The storage of a simulated server: its disk, and on it the hard state, and of the hard state's generation the log and the
// twin of the checkpoint. It does the job of storage/recovery.cpp and storage/installer.cpp.
//
// Time      none passes in here: the server has each call take its time, and be cut short.
// Damage    of a lone server's log refuses the start. A member's puts log and checkpoint aside: it begins without a history.
#pragma once

#include "server/core/core.hpp"
#include "storage/checkpoint_writer.hpp"
#include "storage/hard_state.hpp"
#include "storage/log_writer.hpp"
#include "tests/sim/checkpoint_twin.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/images.hpp"
#include "tests/sim/planted_files.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zabd::sim {

struct StoreOptions {
    std::uint64_t segment_bytes = 32 << 10;
    std::uint64_t retain_bytes = 0;
    storage::CheckpointTriggers checkpoint;
    wire::ClusterSecret secret{};  // of a new disk
    bool member = false;           // of an ensemble
};

[[nodiscard]] zab::HardState told(const storage::StoredHardState& stored);

class Store {
public:
    Store(Stage& stage, const StoreOptions& options);

    // --- the machine's ---
    [[nodiscard]] Disk& disk() { return disk_; }
    /// Nothing is on it any more.
    void wipe();
    /// As it is now, to be put back later.
    void take_image();
    [[nodiscard]] bool has_image() const { return image_.has_value(); }
    void put_image_back();
    static Disk::Path log_directory(std::uint64_t generation);
    /// Rises with each state that took the place of the one before; as last read.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    // --- the process's ---
    struct Opened {
        Images checkpoint{};
        core::Recovered begin{};
        std::vector<storage::LogRecord> records{};  // behind the checkpoint
        std::uint64_t torn_bytes = 0;
        std::optional<std::string> quarantined{};  // why
    };
    Result<Opened> open();
    /// The process is gone.
    void close();

    [[nodiscard]] storage::LogWriter& log() { return *log_; }
    [[nodiscard]] storage::CheckpointWriter& checkpoint() { return *checkpoint_; }
    [[nodiscard]] CheckpointTwin& twin() { return *twins_.at(generation_); }
    [[nodiscard]] storage::FileSystem& files() { return files_; }

    [[nodiscard]] zab::HardState hard_state() const { return told(current()); }
    Result<void> save(const zab::HardState& state);

    void put_install(wire::StateImages images, bool begins);
    void drop_install() { install_ = {}; }
    /// What was put takes the place of log and checkpoint.
    Result<void> install(Zxid zxid);
    /// What a snapshot of the checkpoint is, as a stream.
    [[nodiscard]] static std::string stream_of(const Images& images);

private:
    [[nodiscard]] storage::LogOptions log_options(std::uint64_t generation);
    Result<Opened> open_generation();
    Result<void> quarantine();
    Result<void> remove_other_generations();
    Result<void> save_stored(const storage::StoredHardState& state);
    [[nodiscard]] const storage::StoredHardState& current() const {
        return pretended_ ? *pretended_ : hard_state_->current();
    }
    [[nodiscard]] CheckpointTwin& twin_of(std::uint64_t generation);

    Stage& stage_;
    StoreOptions options_;
    Disk disk_;
    PlantedFiles files_;                                              // the disk, with a planted bug perhaps
    std::map<std::uint64_t, std::unique_ptr<CheckpointTwin>> twins_;  // by generation
    struct Image {
        Disk disk;
        std::map<std::uint64_t, Images> twins;
    };
    std::optional<Image> image_;
    std::optional<std::string> quarantined_;  // by a start that came no further

    std::unique_ptr<storage::HardStateFile> hard_state_;
    std::optional<storage::StoredHardState> pretended_;  // planted: not on the disk
    std::uint64_t generation_ = 0;
    std::unique_ptr<storage::LogWriter> log_;
    std::unique_ptr<storage::CheckpointWriter> checkpoint_;
    Images install_;
};

}  // namespace zabd::sim
