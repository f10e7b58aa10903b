// `zabd export`: a data directory for Apache ZooKeeper from one of zabd.
//
// Form      the checkpoint as a snapshot, the log behind it as a log: so a member that a ZooKeeper leader cuts back has
//           what can be cut.
// Effects   opens FROM as a server does (a torn tail of its log is cut), which must not run; makes TO, where version-2
//           appears in one step, durably, when all of it is there.
// Errors    those of recovery; Errc::kBadConfig for directories that cannot be meant.
// Bounds    neither the tree nor the log is ever in memory as a whole.
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace zabd::server {

struct ExportOptions {
    std::filesystem::path from;
    std::filesystem::path log_from{};  // empty: from
    std::filesystem::path to;
};

struct ExportReport {
    Zxid zxid;
    Epoch accepted_epoch = 0;
    Epoch current_epoch = 0;
    Zxid snapshot;
    std::uint64_t nodes = 0;     // of the snapshot
    std::uint64_t sessions = 0;  // of the snapshot
    std::uint64_t transactions = 0;
};

Result<ExportReport> export_zookeeper(const ExportOptions& options);
[[nodiscard]] std::string text_of(const ExportReport& report);

}  // namespace zabd::server
