// The records of one segment, from its bytes.
//
// Effects   none: bytes in, records and a judgement out.
// Judgement a batch that does not read is a torn tail if it is the last one: a crash came between its write and the end of
//           its sync, and nobody was told of it. With a batch of this segment behind it it is damage: the writer starts
//           none before the one before it is synced, and names in it what is durable.
#pragma once

#include "storage/log_format.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::storage {

struct BatchPlace {
    std::uint64_t offset = 0;
    std::uint64_t end = 0;  // where the next batch goes
    Zxid before;
    Zxid last;
};

struct SegmentScan {
    std::optional<LogPosition> begin;        // what its first batch continues; nullopt: it has no batch
    LogPosition end;                         // behind its last whole batch
    std::uint64_t end_offset = kBlockBytes;  // of the block in which the next batch goes
    std::uint64_t torn_bytes = 0;            // behind end_offset: up to the last byte that a torn write left
    std::uint64_t leftover_bytes = 0;        // behind end_offset: up to the last byte that is not zero
    std::vector<BatchPlace> batches;
};

using RecordVisitor = std::function<void(const RecordView&)>;

/// Reads `segment`, which must be number `id.number` of its log. `before` is where the segment before it ended, nullopt
/// for the oldest one kept: where its first batch says it begins is believed. Errc::kDamaged names `file` and the offset.
Result<SegmentScan> scan_segment(std::string_view segment, const SegmentId& id, std::optional<LogPosition> before,
                                 const std::string& file, const RecordVisitor& visit);

/// The error for damage at an offset of a log file, with what can be done about it.
Error log_damage(const std::string& file, std::uint64_t offset, std::string_view what);

}  // namespace zabd::storage
