#include "storage/log_scan.hpp"

#include <charconv>
#include <vector>

namespace zabd::storage {

namespace {

std::string in_hex(std::uint64_t value) {
    char digits[16];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value, 16).ptr;
    return "0x" + std::string(std::begin(digits), end);
}

/// Offset of a batch at or behind `offset` that was written when all up to `zxid` was durable, and so when all batches
/// before it were: they are synced one by one.
std::optional<std::uint64_t> later_witness(std::string_view segment, const SegmentId& id, std::uint64_t offset,
                                           Zxid zxid) {
    for (; offset < segment.size(); offset += kBlockBytes) {
        const auto header = decode_batch_header(segment, id, offset);
        if (header && header->zxid_durable >= zxid) return offset;
    }
    return std::nullopt;
}

class SegmentReader {
public:
    SegmentReader(std::string_view segment, const SegmentId& id, std::optional<LogPosition> before,
                  const std::string& file, const RecordVisitor& visit)
        : segment_(segment), id_(id), before_(before), file_(file), visit_(visit) {}

    Result<SegmentScan> read() {
        const auto header = decode_segment_header(segment_);
        if (!header) return damage(0, "the segment's header does not read");
        if (header->id.log_identity != id_.log_identity) return damage(0, "it belongs to another data directory");
        if (header->id.number != id_.number) return damage(0, "it is segment " + in_hex(header->id.number));
        if (before_) scan_.end = *before_;
        while (const auto batch = decode_batch_header(segment_, id_, scan_.end_offset)) {
            decode_batch_body(segment_, *batch, records_, broken_at_);
            if (broken_at_) break;
            if (auto taken = take(*batch); !taken) return std::unexpected(taken.error());
        }
        if (auto judged = judge_tail(header->recycled); !judged) return std::unexpected(judged.error());
        return scan_;
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(std::uint64_t offset, std::string_view what) const {
        return std::unexpected(log_damage(file_, offset, what));
    }

    Result<void> take(const BatchHeader& batch) {
        if (!scan_.begin && !before_) scan_.end = batch.before;  // the oldest batch kept is believed
        if (batch.before != scan_.end) {
            return damage(batch.offset, "a batch that continues zxid " + in_hex(batch.before.zxid.value) +
                                            " stands behind zxid " + in_hex(scan_.end.zxid.value));
        }
        if (!scan_.begin) scan_.begin = batch.before;
        for (const auto& record : records_) {
            if (!follows(scan_.end.zxid, record.zxid)) {
                return damage(batch.offset, "zxid " + in_hex(record.zxid.value) + " stands behind zxid " +
                                                in_hex(scan_.end.zxid.value));
            }
            scan_.end = advanced(scan_.end, record);
            visit_(record);
        }
        scan_.end_offset = batch.end();
        scan_.batches.push_back(
            {.offset = batch.offset, .end = batch.end(), .before = batch.before.zxid, .last = scan_.end.zxid});
        return {};
    }

    Result<void> judge_tail(bool recycled) {
        const auto behind_tail = scan_.end_offset + kBlockBytes;
        // Of its first batch any later one is a witness: that one may have cut what came before, and zxids go back there.
        const auto zxid = scan_.begin ? scan_.end.zxid : Zxid{};
        if (const auto witness = later_witness(segment_, id_, behind_tail, zxid)) {
            return damage(
                broken_at_.value_or(scan_.end_offset),
                "a batch does not read, but the one at byte " + std::to_string(*witness) + " says that it was durable");
        }
        if (scan_.end_offset >= segment_.size()) return {};
        const auto last = segment_.find_last_not_of('\0');
        if (last == segment_.npos || last < scan_.end_offset) return {};
        scan_.leftover_bytes = last + 1 - scan_.end_offset;
        if (!recycled || broken_at_) scan_.torn_bytes = scan_.leftover_bytes;
        return {};
    }

    std::string_view segment_;
    SegmentId id_;
    std::optional<LogPosition> before_;
    const std::string& file_;
    const RecordVisitor& visit_;

    SegmentScan scan_;
    std::vector<RecordView> records_;
    std::optional<std::uint64_t> broken_at_;
};

}  // namespace

Result<SegmentScan> scan_segment(std::string_view segment, const SegmentId& id, std::optional<LogPosition> before,
                                 const std::string& file, const RecordVisitor& visit) {
    return SegmentReader(segment, id, before, file, visit).read();
}

Error log_damage(const std::string& file, std::uint64_t offset, std::string_view what) {
    return {Errc::kDamaged, file + ": damaged at byte " + std::to_string(offset) + ": " + std::string(what) +
                                ". Nothing was changed. Keep the file, and restore zabd/ from a backup"};
}

}  // namespace zabd::storage
