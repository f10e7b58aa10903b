// Goes through records of the log in its files, from some batch on, as the index says where they are.
//
// Checks    every checksum, and that each batch continues the one before it.
// Errors    Errc::kDamaged with file and offset; Errc::kIo.
// Threads   any: it has files of its own open, and reads nothing that the writer still changes.
#pragma once

#include "storage/file.hpp"
#include "storage/log_format.hpp"
#include "storage/log_index.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace zabd::storage {

struct LogFiles {
    FileSystem& files;
    const std::filesystem::path& directory;
    std::uint64_t identity = 0;
};

/// Told each position, with the record that led there, but for the first one (nullptr). False: enough.
using PositionVisitor = std::function<bool(const LogPosition&, const RecordView*)>;

Result<void> walk_log(const LogFiles& log, std::span<const LogIndex::Extent> extents, const PositionVisitor& visit);

}  // namespace zabd::storage
