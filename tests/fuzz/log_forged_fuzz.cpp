// A segment of the log, overwritten anywhere by one who knows its checksums, is read or refused; what is read of it is a
// history.
// Input: one byte (odd: checksums are made to fit, so that the checks behind them are reached), then repeatedly two
// bytes of offset, one of length, and what is written there.
#include "storage/crc32c.hpp"
#include "storage/log_format.hpp"
#include "storage/log_scan.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace zabd;
using namespace zabd::storage;

constexpr SegmentId kId{.log_identity = 0x1122'3344'5566'7788, .number = 1};
constexpr std::size_t kBatches = 4;

/// Batches of one, two, three ... records, the second of them longer than a block.
std::string sound_segment() {
    auto segment = encode_segment_header({.id = kId});
    auto position = log_origin(kId.log_identity);
    auto next = Zxid::of(0, 1);
    for (std::size_t batch = 0; batch < kBatches; ++batch) {
        std::string bytes;
        BatchEncoder encoder(
            bytes, {.segment = kId, .offset = segment.size(), .before = position, .zxid_durable = position.zxid});
        for (std::size_t record = 0; record <= batch; ++record, ++next.value) {
            encoder.add(next, std::string(batch == 1 ? 3000 : 10, 'x'));
        }
        position = encoder.finish();
        segment += bytes;
    }
    return segment.append(2 * kBlockBytes, '\0');
}

void overwrite(std::string& segment, std::string_view input) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
    while (input.size() > 3) {
        const std::size_t offset = (byte(0) * 256u + byte(1)) % segment.size();
        const auto content = input.substr(3, std::min<std::size_t>(byte(2), segment.size() - offset));
        segment.replace(offset, content.size(), content);
        input.remove_prefix(3 + content.size());
    }
}

void put_checksum(std::string& segment, std::size_t offset, std::size_t covered_begin, std::size_t covered_bytes) {
    const auto crc = crc32c(std::string_view(segment).substr(covered_begin, covered_bytes));
    segment.replace(offset, sizeof crc, wire::encoded(static_cast<std::int32_t>(crc)));
}

/// In every batch header, and in the records behind it as far as they are there.
void put_checksums(std::string& segment) {
    for (std::size_t block = kBlockBytes; block < segment.size(); block += kBlockBytes) {
        put_checksum(segment, block + 4, block + 8, kBatchHeaderBytes - 8);
        const auto batch = decode_batch_header(segment, kId, block);
        if (!batch) continue;
        auto offset = block + kBatchHeaderBytes;
        for (std::uint32_t n = 0; n < batch->record_count && segment.size() - offset >= kRecordHeaderBytes; ++n) {
            wire::Decoder decoder(std::string_view(segment).substr(offset + 4));
            const auto txn_bytes = static_cast<std::uint32_t>(decoder.get_int());
            if (txn_bytes > segment.size() - offset - kRecordHeaderBytes) break;
            put_checksum(segment, offset, offset + 4, kRecordHeaderBytes - 4 + txn_bytes);
            offset += kRecordHeaderBytes + txn_bytes;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string sound = sound_segment();
    if (size == 0) return 0;
    auto segment = sound;
    overwrite(segment, std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
    if (data[0] % 2 == 1) put_checksums(segment);

    std::optional<Zxid> last;
    const auto scan = scan_segment(segment, kId, std::nullopt, "segment", [&](const RecordView& record) {
        ZABD_ASSERT(!last || follows(*last, record.zxid));
        ZABD_ASSERT(record.txn.size() <= segment.size());
        last = record.zxid;
    });
    if (scan && last) ZABD_ASSERT(scan->end.zxid == *last);
    if (scan) ZABD_ASSERT(scan->end_offset % kBlockBytes == 0);
    return 0;
}
