// The log's bytes, as docs/storage.md draws them.
//
// Effects   none. Numbers are big-endian.
// Names     a segment is the file SEGMENT.log, SEGMENT being its number in 16 hex digits. Numbers start at 1, rise by
//           one, and are never used again: a recycled file gets a new one, so that what is left in it of its earlier
//           life names a number that is not its own.
// Identity  64 random bits of the data directory. No client can know it, so none can forge a batch within its data.
#pragma once

#include "wire/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::storage {

/// Batches start at multiples of this, so that no later write touches a block that holds an earlier batch.
inline constexpr std::uint64_t kBlockBytes = 4096;
inline constexpr std::uint64_t kSegmentHeaderBytes = 32;  // alone in the first block
inline constexpr std::uint64_t kBatchHeaderBytes = 64;
inline constexpr std::uint64_t kRecordHeaderBytes = 16;
/// Records of one write: enough to make the sync's cost small, little enough to keep its latency so.
inline constexpr std::uint64_t kBatchBytesMax = 4 << 20;

/// What a record takes besides its transaction when it is alone in a batch, up to the end of the batch's last block.
inline constexpr std::uint64_t kRecordOverheadBytesMax = kBatchHeaderBytes + kRecordHeaderBytes + kBlockBytes;

static_assert(kSegmentHeaderBytes <= kBlockBytes && kBatchHeaderBytes + kRecordHeaderBytes <= kBlockBytes);

[[nodiscard]] constexpr std::uint64_t to_block_end(std::uint64_t bytes) {
    return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

/// Which file: of which log, in which of its lives.
struct SegmentId {
    std::uint64_t log_identity = 0;
    std::uint64_t number = 0;
    friend bool operator==(const SegmentId&, const SegmentId&) = default;
};

struct SegmentHeader {
    SegmentId id;
    bool recycled = false;  // behind its end there may be bytes of an earlier life, which mean nothing
};

/// Where in the history the log stands.
struct LogPosition {
    Zxid zxid;                // of the last record
    std::uint64_t chain = 0;  // hash over all records up to it
    friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

struct BatchHeader {
    SegmentId segment;
    std::uint64_t offset = 0;  // its own, in the segment
    LogPosition before;        // what it continues
    Zxid zxid_durable;         // known durable when this was written
    std::uint32_t record_count = 0;
    std::uint32_t body_bytes = 0;  // of all records, with their headers

    [[nodiscard]] bool without_records() const { return record_count == 0 && body_bytes == 0; }
    [[nodiscard]] std::uint64_t end() const { return to_block_end(offset + kBatchHeaderBytes + body_bytes); }
};

struct RecordView {
    Zxid zxid;
    std::string_view txn;
    std::uint32_t crc = 0;
};

/// Where a log starts: behind `zxid`.
[[nodiscard]] LogPosition log_origin(std::uint64_t log_identity, Zxid zxid = {});
[[nodiscard]] LogPosition advanced(const LogPosition& before, const RecordView& record);

[[nodiscard]] std::string segment_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> segment_number(std::string_view name);

/// The first block of a segment, whole.
[[nodiscard]] std::string encode_segment_header(const SegmentHeader& header);
/// nullopt: no such header, or its checksum is wrong.
[[nodiscard]] std::optional<SegmentHeader> decode_segment_header(std::string_view segment);

/// Builds a batch up to the end of its last block.
class BatchEncoder {
public:
    /// `out` is cleared, and whole after finish().
    BatchEncoder(std::string& out, const BatchHeader& header);
    void add(Zxid zxid, std::string_view txn);
    /// Where the log stands after it.
    LogPosition finish();

private:
    std::string& out_;
    BatchHeader header_;
    LogPosition position_;
};

/// nullopt: at this offset begins no batch of this segment; the body is not looked at.
[[nodiscard]] std::optional<BatchHeader> decode_batch_header(std::string_view segment, const SegmentId& id,
                                                             std::uint64_t offset);

/// The same of bytes that begin at that offset.
[[nodiscard]] std::optional<BatchHeader> decode_batch_header_at(std::string_view batch, const SegmentId& id,
                                                                std::uint64_t offset);

/// The records behind `header`; `broken_at` is set to the offset of the first that fails its checks, if one does.
void decode_batch_body(std::string_view segment, const BatchHeader& header, std::vector<RecordView>& records,
                       std::optional<std::uint64_t>& broken_at);

}  // namespace zabd::storage
