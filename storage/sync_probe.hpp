// How long a sync of a disk takes, measured: one that takes no time has no disk behind it, or one that keeps what it was
// told in a cache that a power cut empties.
#pragma once

#include "storage/file.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <filesystem>

namespace zabd::storage {

/// A sync that is faster than this was not one: the fastest disks need more.
inline constexpr std::chrono::microseconds kSyncPlausibleMin{15};

/// The median of a few writes of a block with their syncs, in a file of its own that is gone afterwards.
Result<std::chrono::microseconds> probe_sync(FileSystem& files, const std::filesystem::path& directory);

}  // namespace zabd::storage
