// What counts of the checkpoint's file: a copy of its first pages, in which LMDB keeps where its trees begin.
//
// Why       LMDB writes a batch and those pages, then syncs all of it at once; the log's syncs wait that long. So LMDB is told
//           to leave syncing to us (MDB_NOSYNC), and we have the disk write a little at a time. But then the first pages may
//           reach it before what they point to. So they do not count: this copy of them does, which is replaced, in one
//           step, once everything they point to is durable.
// Soundness LMDB never writes to a page of the newest state, nor of the one before it, but for the first pages (it takes
//           pages that were free in both). So with the first pages put back, the state before the batch in flight is there,
//           whole, whatever of the batch has reached the disk (tests/unit/storage/lmdb_crash_test.cpp tries it).
// Errors    Errc::kDamaged for a copy that is missing or fails its checksum.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>

namespace zabd::storage {

/// Both pages of LMDB's file `data` are what it begins with from now on. All of it has been synced.
Result<void> save_head(const std::filesystem::path& data, std::uint64_t page_bytes);

/// Makes the file begin with what was saved. While nobody has it open.
Result<void> restore_head(const std::filesystem::path& data);

}  // namespace zabd::storage
