// `zabd import`: a data directory of zabd from one of Apache ZooKeeper.
//
// State     the newest snapshot that reads, and the log behind it, all of it: what ZooKeeper itself would begin with. The
//           digests in both, as far as there are any, are compared with the tree that comes out.
// Epochs    and the ids of sessions stay, so that the directory is that of the same member, or server, as before.
// Effects   reads FROM; makes TO (storage/new_directory.hpp): either all of it is there, durably, or nothing.
// Errors    Errc::kBadConfig for directories that cannot be meant; Errc::kDamaged with file and place, also where
//           transactions are missing; those of the disk.
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace zabd::server {

struct ImportOptions {
    std::filesystem::path from;
    std::filesystem::path log_from{};  // empty: from
    std::filesystem::path to;
    bool digests_must_fit = true;
};

struct ImportReport {
    Zxid zxid;
    Epoch accepted_epoch = 0;
    Epoch current_epoch = 0;
    std::size_t nodes = 0;
    std::size_t sessions = 0;
    std::filesystem::path snapshot;
    std::uint64_t transactions = 0;      // from the log, behind the snapshot
    std::vector<std::string> remarks{};  // what was passed over, as ZooKeeper does it
};

Result<ImportReport> import_zookeeper(const ImportOptions& options);
[[nodiscard]] std::string text_of(const ImportReport& report);

}  // namespace zabd::server
