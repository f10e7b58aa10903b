// The data directory: layout, lock, format version, and the secret of this server's sessions.
//
//   DIR/zabd/format        text: version of all that is below, what this directory holds, its identity
//   DIR/zabd/lock          held with flock for the life of the process
//   DIR/zabd/secret        32 random bytes, mode 0600: the key of session passwords
//   DIR/zabd/log/          segments (docs/storage.md)
//   DIR/zabd/checkpoint/   LMDB
//
// With a log directory of its own, zabd/log/ is there, beside a format and a lock of their own.
//
// Errors    Errc::kInUse if another process holds the lock (its pid is named); Errc::kUnsupported for another format
//           version, for a directory with ZooKeeper's own files (version-2), which are left untouched, and for a network
//           file system; Errc::kBadConfig if the two directories do not belong together or are swapped; Errc::kDamaged if
//           the log directory of this data directory is gone (a disk that is not mounted).
#pragma once

#include "wire/result.hpp"

#include <array>
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

    [[nodiscard]] std::filesystem::path log_directory() const;
    [[nodiscard]] std::filesystem::path checkpoint_directory() const;
    [[nodiscard]] const std::array<unsigned char, 32>& secret() const { return secret_; }
    /// Random, drawn when the directory was made: tells its files from those of any other.
    [[nodiscard]] std::uint64_t identity() const { return identity_; }

private:
    class Opening;
    DataDir() = default;

    std::filesystem::path root_;
    std::filesystem::path log_root_;
    std::array<unsigned char, 32> secret_{};
    std::uint64_t identity_ = 0;
    std::vector<int> lock_descriptors_;
};

}  // namespace zabd::storage
