// The data directory: layout, lock, format version.
//
//   DIR/zabd/format        text: version of all that is below, what this directory holds, its identity
//   DIR/zabd/lock          held with flock for the life of the process
//   DIR/zabd/hard-state    mode 0600: epochs, generation, the key of session passwords (hard_state.hpp)
//   DIR/zabd/log/          segments (docs/storage.md); log.G with generation G > 0
//   DIR/zabd/checkpoint/   LMDB; checkpoint.G with generation G > 0
//   DIR/zabd/quarantine-N/ log and checkpoint that were damaged (recovery.hpp)
//
// With a log directory of its own, zabd/log/ is there, beside a format and a lock of their own.
//
// Errors    Errc::kInUse if another process holds the lock (its pid is named); Errc::kUnsupported for another format
//           version, for a directory with ZooKeeper's own files (version-2), which are left untouched, and for a network
//           file system; Errc::kBadConfig if the two directories do not belong together or are swapped; Errc::kDamaged if
//           the log directory of this data directory is gone (a disk that is not mounted).
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace zabd::storage {

class DataDir {
public:
    /// Makes what is missing, durably (directories synced). `log_root` may be the same directory as `root`.
    static Result<std::unique_ptr<DataDir>> open(const std::filesystem::path& root,
                                                 const std::filesystem::path& log_root);
    ~DataDir();
    DataDir(const DataDir&) = delete;
    DataDir& operator=(const DataDir&) = delete;

    /// Whose log and checkpoint: those of the hard state's generation count.
    using Generation = std::uint64_t;
    [[nodiscard]] std::filesystem::path log_directory(Generation generation) const;
    [[nodiscard]] std::filesystem::path checkpoint_directory(Generation generation) const;
    /// Random, drawn when the directory was made, and another one for each generation: tells its files from all others.
    [[nodiscard]] std::uint64_t identity(Generation generation) const { return identity_ + generation; }
    [[nodiscard]] std::filesystem::path hard_state_path() const { return root_ / "zabd" / "hard-state"; }

    /// Both directories, durably, as far as they are missing.
    Result<void> make_generation(Generation generation) const;
    /// All log and checkpoint directories but those of this generation. What they held did not count any more.
    Result<void> remove_other_generations(Generation generation) const;
    /// Moves both directories to quarantine-N, durably, N being the next that is free; says where.
    Result<std::filesystem::path> quarantine(Generation generation) const;

private:
    class Opening;
    DataDir() = default;
    [[nodiscard]] std::vector<std::filesystem::path> roots() const;

    std::filesystem::path root_;
    std::filesystem::path log_root_;
    std::uint64_t identity_ = 0;
    std::vector<int> lock_descriptors_;
};

}  // namespace zabd::storage
