#include "storage/log_format.hpp"

#include "storage/crc32c.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <charconv>

namespace zabd::storage {

namespace {

constexpr std::string_view kSegmentMagic = "zabdlog1";
constexpr std::uint32_t kBatchMagic = 0x7a62'6174;  // "zbat"
constexpr std::uint32_t kRecycledFlag = 1;
constexpr std::string_view kExtension = ".log";
constexpr std::size_t kNumberDigits = 16;

void put(wire::Encoder& out, std::uint64_t value) { out.put_long(static_cast<std::int64_t>(value)); }
void put(wire::Encoder& out, std::uint32_t value) { out.put_int(static_cast<std::int32_t>(value)); }
std::uint64_t get64(wire::Decoder& in) { return static_cast<std::uint64_t>(in.get_long()); }
std::uint32_t get32(wire::Decoder& in) { return static_cast<std::uint32_t>(in.get_int()); }

/// Overwrites four bytes that were left open for a checksum or a length.
void patch(std::string& out, std::size_t offset, std::uint32_t value) {
    std::string bytes;
    wire::Encoder encoder(bytes);
    put(encoder, value);
    out.replace(offset, bytes.size(), bytes);
}

/// A permutation of 64 bits in which every input bit reaches every output bit (the finalizer of splitmix64).
std::uint64_t mixed(std::uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11ebu;
    return bits ^ (bits >> 31);
}

}  // namespace

LogPosition log_origin(std::uint64_t log_identity, Zxid zxid) {
    const auto chain = mixed(log_identity);
    return {.zxid = zxid, .chain = zxid == Zxid{} ? chain : mixed(chain ^ zxid.value)};
}

LogPosition advanced(const LogPosition& before, const RecordView& record) {
    const auto with_zxid = mixed(before.chain ^ record.zxid.value);
    const auto with_content = mixed(with_zxid ^ (record.crc | static_cast<std::uint64_t>(record.txn.size()) << 32));
    return {.zxid = record.zxid, .chain = with_content};
}

std::string segment_name(std::uint64_t number) {
    std::string digits(kNumberDigits, '0');
    for (auto digit = digits.rbegin(); number != 0; ++digit, number >>= 4) *digit = "0123456789abcdef"[number & 15];
    return digits.append(kExtension);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
    std::uint64_t number = 0;
    const auto digits = name.substr(0, kNumberDigits);
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    return number != 0 && segment_name(number) == name ? std::optional(number) : std::nullopt;
}

std::string encode_segment_header(const SegmentHeader& header) {
    std::string out(kSegmentMagic);
    wire::Encoder encoder(out);
    put(encoder, std::uint32_t{0});
    put(encoder, header.recycled ? kRecycledFlag : 0);
    put(encoder, header.id.log_identity);
    put(encoder, header.id.number);
    ZABD_ASSERT(out.size() == kSegmentHeaderBytes);
    patch(out, 8, crc32c(std::string_view(out).substr(12)));
    out.resize(kBlockBytes);
    return out;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view segment) {
    if (segment.size() < kBlockBytes || !segment.starts_with(kSegmentMagic)) return std::nullopt;
    wire::Decoder decoder(segment.substr(8, kSegmentHeaderBytes - 8));
    const auto crc = get32(decoder);
    const auto flags = get32(decoder);
    const auto log_identity = get64(decoder);
    const auto number = get64(decoder);
    if (crc != crc32c(segment.substr(12, kSegmentHeaderBytes - 12)) || flags > kRecycledFlag) return std::nullopt;
    return SegmentHeader{.id = {log_identity, number}, .recycled = flags == kRecycledFlag};
}

BatchEncoder::BatchEncoder(std::string& out, const BatchHeader& header)
    : out_(out), header_(header), position_(header.before) {
    ZABD_ASSERT(header.offset % kBlockBytes == 0 && header.offset >= kBlockBytes);
    out_.clear();
    wire::Encoder encoder(out_);
    put(encoder, kBatchMagic);
    put(encoder, std::uint32_t{0});
    put(encoder, header.segment.log_identity);
    put(encoder, header.segment.number);
    put(encoder, header.offset);
    put(encoder, header.before.zxid.value);
    put(encoder, header.before.chain);
    put(encoder, header.zxid_durable.value);
    put(encoder, std::uint64_t{0});  // count and length: finish()
    ZABD_ASSERT(out_.size() == kBatchHeaderBytes);
    header_.record_count = 0;
}

void BatchEncoder::add(Zxid zxid, std::string_view txn) {
    ZABD_ASSERT(follows(position_.zxid, zxid));
    const auto start = out_.size();
    wire::Encoder encoder(out_);
    put(encoder, std::uint32_t{0});
    put(encoder, static_cast<std::uint32_t>(txn.size()));
    put(encoder, zxid.value);
    out_.append(txn);
    const auto crc = crc32c(std::string_view(out_).substr(start + 4));
    patch(out_, start, crc);
    position_ = advanced(position_, {.zxid = zxid, .txn = txn, .crc = crc});
    ++header_.record_count;
}

LogPosition BatchEncoder::finish() {
    patch(out_, 56, header_.record_count);
    patch(out_, 60, static_cast<std::uint32_t>(out_.size() - kBatchHeaderBytes));
    patch(out_, 4, crc32c(std::string_view(out_).substr(8, kBatchHeaderBytes - 8)));
    out_.resize(to_block_end(out_.size()));
    return position_;
}

std::optional<BatchHeader> decode_batch_header(std::string_view segment, const SegmentId& id, std::uint64_t offset) {
    return offset > segment.size() ? std::nullopt : decode_batch_header_at(segment.substr(offset), id, offset);
}

std::optional<BatchHeader> decode_batch_header_at(std::string_view batch, const SegmentId& id, std::uint64_t offset) {
    if (batch.size() < kBatchHeaderBytes) return std::nullopt;
    const auto bytes = batch.substr(0, kBatchHeaderBytes);
    wire::Decoder decoder(bytes);
    if (get32(decoder) != kBatchMagic || get32(decoder) != crc32c(bytes.substr(8))) return std::nullopt;
    BatchHeader header;
    header.segment.log_identity = get64(decoder);
    header.segment.number = get64(decoder);
    header.offset = get64(decoder);
    header.before.zxid.value = get64(decoder);
    header.before.chain = get64(decoder);
    header.zxid_durable.value = get64(decoder);
    header.record_count = get32(decoder);
    header.body_bytes = get32(decoder);
    if (header.segment != id || header.offset != offset) return std::nullopt;
    return header;
}

void decode_batch_body(std::string_view segment, const BatchHeader& header, std::vector<RecordView>& records,
                       std::optional<std::uint64_t>& broken_at) {
    records.clear();
    broken_at.reset();
    std::uint64_t offset = header.offset + kBatchHeaderBytes;
    auto body = segment.substr(offset, header.body_bytes);
    for (std::uint32_t n = 0; n < header.record_count; ++n) {
        wire::Decoder decoder(body);
        RecordView record;
        record.crc = get32(decoder);
        const auto size = get32(decoder);
        record.zxid.value = get64(decoder);
        record.txn = decoder.rest().substr(0, size);
        if (decoder.failed() || record.txn.size() != size ||
            record.crc != crc32c(body.substr(4, kRecordHeaderBytes - 4 + size))) {
            broken_at = offset;
            return;
        }
        records.push_back(record);
        body.remove_prefix(kRecordHeaderBytes + size);
        offset += kRecordHeaderBytes + size;
    }
    if (offset != header.offset + kBatchHeaderBytes + header.body_bytes) broken_at = offset;
}

}  // namespace zabd::storage
