// A data directory of Apache ZooKeeper: which files are in it, and which of them count.
//
//   DIR/version-2/snapshot.Z[.gz|.snappy]   Z: the last transaction before writing began, in hex
//   LOGDIR/version-2/log.Z                  Z: the first transaction in it; LOGDIR may be DIR
//   DIR/version-2/acceptedEpoch, currentEpoch    a number as text, of a member of an ensemble
//   DIR/myid                                its number
//
// Effects   reads, and changes nothing.
// Errors    Errc::kBadConfig if it is no such directory; Errc::kDamaged for an epoch that is none; Errc::kIo.
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::storage {

struct ZookeeperFile {
    std::filesystem::path path;
    Zxid zxid;  // by its name
};

struct ZookeeperDirectory {
    std::vector<ZookeeperFile> snapshots;  // newest first
    std::vector<ZookeeperFile> logs;       // oldest first
    std::optional<Epoch> accepted_epoch;
    std::optional<Epoch> current_epoch;
    std::optional<Epoch> current_epoch_unfinished;  // currentEpoch.tmp: a crash kept it from being renamed
    std::optional<std::string> server_number;       // content of myid

    /// Those that may hold transactions behind `zxid`.
    [[nodiscard]] std::vector<ZookeeperFile> logs_behind(Zxid zxid) const;
};

/// `log_root` empty: the same directory.
Result<ZookeeperDirectory> list_zookeeper_directory(const std::filesystem::path& root,
                                                    const std::filesystem::path& log_root);

/// "snapshot.1f.gz" -> 0x1f. nullopt: not of that kind, or a leftover (.tmp).
[[nodiscard]] std::optional<Zxid> zxid_of_name(std::string_view kind, std::string_view name);
[[nodiscard]] std::string name_of_file(std::string_view kind, Zxid zxid);

inline constexpr std::string_view kZookeeperVersion = "version-2";
inline constexpr std::string_view kSnapshotKind = "snapshot";
inline constexpr std::string_view kLogKind = "log";
inline constexpr std::string_view kAcceptedEpoch = "acceptedEpoch";
inline constexpr std::string_view kCurrentEpoch = "currentEpoch";
inline constexpr std::string_view kServerNumber = "myid";

}  // namespace zabd::storage
