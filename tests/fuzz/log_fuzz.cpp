// A segment of the log, written, then changed in any way, and scanned: what is read was written, in order, and what
// was known durable is either read or reported as damage.
//
// Input     the batches (records of up to 255 bytes), then the changes: cut, overwrite, wipe or copy within the segment.
//           A first byte of 255 instead: the rest is a segment as it stands.
#include "storage/log_scan.hpp"
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace zabd;
using namespace zabd::storage;

constexpr SegmentId kSegment{.log_identity = 0x0123'4567'89ab'cdef, .number = 3};
constexpr std::uint8_t kRaw = 255;

struct Record {
    Zxid zxid;
    std::string txn;
    bool operator==(const Record&) const = default;
};

struct Batch {
    std::uint64_t begin = 0;         // in the segment
    std::uint64_t end = 0;           // of its last record
    std::size_t records_before = 0;  // of all batches before it
};

struct Written {
    std::string segment;
    std::vector<Batch> batches;
    std::vector<Record> records;
};

void append_batch(fuzz::Input& input, LogPosition& position, Written& written) {
    const auto offset = written.segment.size();
    const BatchHeader header{.segment = kSegment, .offset = offset, .before = position, .zxid_durable = position.zxid};
    Batch batch{.begin = offset, .end = offset + kBatchHeaderBytes, .records_before = written.records.size()};
    std::string bytes;
    BatchEncoder encoder(bytes, header);
    auto zxid = position.zxid;
    for (auto count = 1 + input.below(3); count > 0; --count) {
        zxid = input.below(16) == 0 ? Zxid::of(zxid.epoch() + 1, 1) : Zxid{zxid.value + 1};
        const auto txn = input.short_text();
        encoder.add(zxid, txn);
        written.records.push_back({zxid, std::string(txn)});
        batch.end += kRecordHeaderBytes + txn.size();
    }
    position = encoder.finish();
    written.segment += bytes;
    written.batches.push_back(batch);
}

Written write_segment(fuzz::Input& input, bool recycled) {
    Written written;
    written.segment = encode_segment_header({.id = kSegment, .recycled = recycled});
    auto position = log_origin(kSegment.log_identity);
    for (auto count = input.below(4); count > 0; --count) append_batch(input, position, written);
    return written;
}

void change(fuzz::Input& input, std::string& segment) {
    enum { kCut, kOverwrite, kWipe, kCopy, kGrow, kWays };
    const auto way = input.below(kWays);
    const auto at = segment.empty() ? 0 : input.number() % segment.size();
    const auto size = std::min(input.number() % (2 * kBlockBytes), segment.size() - at);
    switch (way) {
        case kCut: segment.resize(at); return;
        case kOverwrite: {
            const auto bytes = input.short_text().substr(0, segment.size() - at);
            segment.replace(at, bytes.size(), bytes);
            return;
        }
        case kWipe: segment.replace(at, size, size, '\0'); return;
        case kCopy: {
            const auto copied = segment.substr(at, size);
            const auto to = segment.empty() ? 0 : input.number() % segment.size();
            segment.replace(to, std::min(copied.size(), segment.size() - to), copied);
            return;
        }
        default: segment.append(size, static_cast<char>(input.byte())); return;
    }
}

bool intact(const Written& written, std::string_view segment, std::uint64_t begin, std::uint64_t end) {
    return segment.size() >= end &&
           segment.substr(begin, end - begin) == std::string_view(written.segment).substr(begin, end - begin);
}

/// Records that some batch in the changed segment says are durable.
std::size_t witnessed(const Written& written, std::string_view segment) {
    std::size_t records = 0;
    for (const auto& batch : written.batches) {
        if (intact(written, segment, batch.begin, batch.begin + kBatchHeaderBytes)) records = batch.records_before;
    }
    return records;
}

/// Records up to the first batch or header that was changed.
std::size_t untouched(const Written& written, std::string_view segment) {
    if (!intact(written, segment, 0, kBlockBytes)) return 0;
    for (const auto& batch : written.batches) {
        if (!intact(written, segment, batch.begin, batch.end)) return batch.records_before;
    }
    return written.records.size();
}

struct Scanned {
    Result<SegmentScan> result;
    std::vector<Record> records;
};

Scanned scan(std::string_view segment, std::optional<LogPosition> before) {
    std::vector<Record> records;
    auto result = scan_segment(segment, kSegment, before, "log", [&](const RecordView& record) {
        records.push_back({record.zxid, std::string(record.txn)});
    });
    return {std::move(result), std::move(records)};
}

void check_scan(const Written& written, std::string_view segment, std::optional<LogPosition> before) {
    const auto [result, records] = scan(segment, before);
    ZABD_ASSERT(records.size() <= written.records.size());
    ZABD_ASSERT(std::ranges::equal(records, written.records | std::views::take(records.size())));
    if (!result) {
        ZABD_ASSERT(result.error().code == Errc::kDamaged);
        ZABD_ASSERT(segment != written.segment);
        return;
    }
    ZABD_ASSERT(records.size() >= witnessed(written, segment));
    ZABD_ASSERT(records.size() >= untouched(written, segment));
    ZABD_ASSERT(result->end_offset % kBlockBytes == 0);
    ZABD_ASSERT(result->end.zxid == (records.empty() ? Zxid{} : records.back().zxid));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto kind = input.byte();
    if (kind == kRaw) {
        const auto scanned = scan(input.rest(), std::nullopt);
        ZABD_ASSERT(scanned.result || scanned.result.error().code == Errc::kDamaged);
        return 0;
    }
    const bool oldest = (kind & 1) != 0;
    auto written = write_segment(input, (kind & 2) != 0);
    auto segment = written.segment;
    for (auto count = input.below(4); count > 0; --count) change(input, segment);
    check_scan(written, segment, oldest ? std::nullopt : std::optional(log_origin(kSegment.log_identity)));
    return 0;
}
