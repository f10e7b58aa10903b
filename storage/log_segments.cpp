#include "storage/log_segments.hpp"

#include "storage/log_scan.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUnfinished = ".tmp";
/// A fresh directory starts with less than a whole segment, so that the first start is quick.
constexpr std::uint64_t kFirstSegmentBytes = 1 << 20;
constexpr std::size_t kSparesMax = 4;
constexpr std::size_t kZerosAtOnce = 1 << 20;

std::string text_of(Zxid zxid) {
    char text[32];
    const auto size = std::snprintf(text, sizeof text, "0x%x:%08x", zxid.epoch(), zxid.counter());
    return {text, static_cast<std::size_t>(size)};
}

Result<void> write_zeros(File& file, std::uint64_t begin, std::uint64_t end) {
    const std::string zeros(std::min<std::uint64_t>(kZerosAtOnce, end - begin), '\0');
    while (begin < end) {
        const auto size = std::min<std::uint64_t>(zeros.size(), end - begin);
        if (auto written = file.write_at(begin, std::string_view(zeros).substr(0, size)); !written) return written;
        begin += size;
    }
    return {};
}

fs::path unfinished(const SegmentPlan& plan) { return plan.path.string() + std::string(kUnfinished); }

/// The file under its temporary name, still with what it held in its earlier life, if it had one.
Result<std::unique_ptr<File>> take_file(FileSystem& files, const SegmentPlan& plan, const fs::path& temporary) {
    if (plan.recycled.empty()) return files.create(temporary);
    if (auto renamed = files.rename(plan.recycled, temporary); !renamed) return std::unexpected(renamed.error());
    // Before its header is overwritten: else a crash may leave the new header under the old name.
    if (auto synced = files.sync_directory(temporary.parent_path()); !synced) return std::unexpected(synced.error());
    return files.open(temporary);
}

std::uint64_t batch_bytes(std::span<const LogRecord> records) {
    std::uint64_t bytes = kBatchHeaderBytes;
    for (const auto& record : records) bytes += kRecordHeaderBytes + record.txn.size();
    return bytes;
}

}  // namespace

Result<Segment> build_segment(FileSystem& files, const SegmentPlan& plan) {
    const auto temporary = unfinished(plan);
    const bool recycled = !plan.recycled.empty();
    auto file = take_file(files, plan, temporary);
    if (!file) return std::unexpected(file.error());
    if (!recycled) {
        if (auto allocated = (*file)->allocate(plan.bytes); !allocated) return std::unexpected(allocated.error());
    }
    const auto header = encode_segment_header({.id = plan.id, .recycled = recycled});
    if (auto written = (*file)->write_at(0, header); !written) return std::unexpected(written.error());
    if (!recycled) {
        // Written, not only allocated: a later fdatasync then has no extent to convert and no size to flush.
        if (auto written = write_zeros(**file, header.size(), plan.bytes); !written)
            return std::unexpected(written.error());
    }
    if (auto synced = (*file)->sync_all(); !synced) return std::unexpected(synced.error());
    if (auto renamed = files.rename(temporary, plan.path); !renamed) return std::unexpected(renamed.error());
    if (auto synced = files.sync_directory(plan.path.parent_path()); !synced) return std::unexpected(synced.error());
    return Segment{.number = plan.id.number, .bytes = plan.bytes, .file = std::move(*file)};
}

Result<void> drop_unfinished(FileSystem& files, const SegmentPlan& plan) {
    const auto temporary = unfinished(plan);
    const auto names = files.list(plan.path.parent_path());
    if (!names) return std::unexpected(names.error());
    if (!std::ranges::binary_search(*names, temporary.filename().string())) return {};
    return drop_segments(files, {temporary});
}

Result<void> drop_segments(FileSystem& files, const std::vector<fs::path>& paths) {
    for (const auto& path : paths) {
        if (auto removed = files.remove(path); !removed) return removed;
        if (auto synced = files.sync_directory(path.parent_path()); !synced) return synced;
    }
    return {};
}

/// One pass over the directory: everything is read and judged before anything is changed.
class LogSegments::Opening {
public:
    Opening(const LogOptions& options, Zxid after, const std::function<void(LogRecord)>& visit)
        : options_(options), after_(after), visit_(visit), log_(new LogSegments(options)) {}

    Result<std::unique_ptr<LogSegments>> run(LogScan& scan) {
        if (auto listed = list(); !listed) return std::unexpected(listed.error());
        if (numbers_.empty()) {
            if (after_ != Zxid{}) return damage("it has no segment, but the checkpoint is at " + text_of(after_));
            if (auto started = start_fresh(); !started) return std::unexpected(started.error());
        } else {
            if (auto read = read_all(); !read) return std::unexpected(read.error());
            if (auto repaired = repair(); !repaired) return std::unexpected(repaired.error());
        }
        scan = {.zxid_last = log_->position_.zxid, .torn_bytes = tail_.torn_bytes};
        return std::move(log_);
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
        return failure(Errc::kDamaged, options_.directory.string() + ": the log is damaged: " + what +
                                           ". Nothing was changed. Restore zabd/ from a backup");
    }

    Result<void> list() {
        const auto names = options_.files->list(options_.directory);
        if (!names) return std::unexpected(names.error());
        for (const auto& name : *names) {
            if (const auto number = segment_number(name)) numbers_.push_back(*number);
            if (name.ends_with(kUnfinished)) unfinished_.push_back(options_.directory / name);
        }
        for (std::size_t n = 1; n < numbers_.size(); ++n) {
            if (numbers_[n] != numbers_[n - 1] + 1)
                return damage("segment " + segment_name(numbers_[n - 1] + 1) + " is missing");
        }
        return {};
    }

    Result<void> start_fresh() {
        if (auto cleared = drop_segments(*options_.files, unfinished_); !cleared) return cleared;
        auto first = build_segment(*options_.files,
                                   {.path = log_->path_of(1),
                                    .id = {options_.identity, 1},
                                    .bytes = std::min<std::uint64_t>(options_.segment_bytes, kFirstSegmentBytes),
                                    .recycled = {}});
        if (!first) return std::unexpected(first.error());
        log_->current_ = std::move(*first);
        log_->position_ = log_origin(options_.identity);
        return {};
    }

    Result<void> read_all() {
        if (numbers_.front() == 1) position_ = log_origin(options_.identity);
        for (const auto number : numbers_) {
            if (auto read = read_segment(number); !read) return read;
        }
        if (!position_) return damage("no segment has a record");
        if (!begin_) begin(*position_);
        log_->position_ = *position_;
        if (position_->zxid < after_) {
            return damage("it ends at zxid " + text_of(position_->zxid) + ", but the checkpoint is at " +
                          text_of(after_) + ": what was logged in between is lost");
        }
        if (begin_->zxid > after_) {
            return damage("it begins behind zxid " + text_of(begin_->zxid) + ", but the checkpoint is at " +
                          text_of(after_) + ": what lies between is missing");
        }
        if (!met_after_) return damage("it has no zxid " + text_of(after_) + ", where the checkpoint is");
        return {};
    }

    Result<void> read_segment(std::uint64_t number) {
        const auto path = log_->path_of(number);
        auto file = options_.files->open(path);
        if (!file) return std::unexpected(file.error());
        (*file)->drop_cache();
        const auto content = read_whole(**file);
        if (!content) return std::unexpected(content.error());

        const SegmentId id{options_.identity, number};
        const auto first = decode_batch_header(*content, id, kBlockBytes);
        if (first && position_ && first->before != *position_ && log_->current_.file) {
            return std::unexpected(log_damage(
                log_->path_of(log_->current_.number).string(), tail_.end_offset,
                "records up to zxid " + text_of(first->before.zxid) + " should follow here, the next segment says"));
        }
        if (first && !begin_) begin(first->before);
        auto scan =
            scan_segment(*content, id, position_, path.string(), [&](const RecordView& record) { see(record); });
        if (!scan) return std::unexpected(scan.error());
        return place({.number = number, .bytes = content->size(), .file = std::move(*file)}, *scan);
    }

    void begin(const LogPosition& position) {
        begin_ = position;
        met_after_ = position.zxid == after_;
    }

    /// Nothing is told that does not continue the checkpoint: whoever listens takes each record for the next one.
    void see(const RecordView& record) {
        if (record.zxid == after_) met_after_ = true;
        if (record.zxid > after_ && met_after_) visit_({.zxid = record.zxid, .txn = Bytes::copy_of(record.txn)});
    }

    /// A segment with batches is the tail so far; one without waits behind it for its turn.
    Result<void> place(Segment segment, const SegmentScan& scan) {
        const bool first = log_->current_.file == nullptr;
        if (!scan.begin && !first) {
            if (scan.torn_bytes > 0) torn_next_.push_back({log_->next_.size(), scan});
            log_->next_.push_back(std::move(segment));
            return {};
        }
        if (!first) {
            if (!log_->next_.empty()) return damage("a segment before " + segment_name(segment.number) + " is empty");
            log_->close_current();
        }
        if (scan.begin) position_ = log_->position_ = scan.end;
        log_->current_ = std::move(segment);
        log_->offset_ = scan.end_offset;
        tail_ = scan;
        return {};
    }

    static Result<void> cut_torn(File& file, const SegmentScan& scan) {
        if (auto cut = write_zeros(file, scan.end_offset, scan.end_offset + scan.leftover_bytes); !cut) return cut;
        return file.sync_all();
    }

    /// Cuts what torn writes left, and makes durable what was read: it may have come from memory only.
    Result<void> repair() {
        if (auto cut = cut_torn(*log_->current_.file, tail_); !cut) return cut;
        for (const auto& [place, scan] : torn_next_) {
            if (auto cut = cut_torn(*log_->next_[place].file, scan); !cut) return cut;
        }
        if (auto cleared = drop_segments(*options_.files, unfinished_); !cleared) return cleared;
        return options_.files->sync_directory(options_.directory);
    }

    const LogOptions& options_;
    Zxid after_;
    const std::function<void(LogRecord)>& visit_;
    std::unique_ptr<LogSegments> log_;

    std::vector<std::uint64_t> numbers_;
    std::vector<fs::path> unfinished_;
    std::optional<LogPosition> begin_;     // what the oldest batch continues
    std::optional<LogPosition> position_;  // where the segments read so far end
    bool met_after_ = false;
    SegmentScan tail_;  // of the last segment with a batch
    /// The first batch of a segment may be the torn one. Its header would contradict what is yet to come before it.
    struct TornNext {
        std::size_t place;  // in next_
        SegmentScan scan;
    };
    std::vector<TornNext> torn_next_;
};

Result<std::unique_ptr<LogSegments>> LogSegments::open(const LogOptions& options, Zxid after,
                                                       const std::function<void(LogRecord)>& visit, LogScan& scan) {
    auto with_files = options;
    if (!with_files.files) with_files.files = &real_file_system();
    return Opening(with_files, after, visit).run(scan);
}

Result<void> LogSegments::append(std::span<const LogRecord> records) {
    if (rolls_for(records)) roll();
    BatchEncoder encoder(batch_, {.segment = {options_.identity, current_.number},
                                  .offset = offset_,
                                  .before = position_,
                                  .zxid_durable = position_.zxid});
    for (const auto& record : records) encoder.add(record.zxid, record.txn.view());
    const auto position = encoder.finish();
    if (auto written = current_.file->write_at(offset_, batch_); !written) return written;
    if (auto synced = current_.file->sync_data(); !synced) return synced;
    position_ = position;
    offset_ += batch_.size();
    current_.bytes = std::max(current_.bytes, offset_);
    return {};
}

bool LogSegments::rolls_for(std::span<const LogRecord> records) const {
    const bool empty = offset_ == kBlockBytes;  // then it takes even what is longer than a segment
    return !empty && offset_ + to_block_end(batch_bytes(records)) > current_.bytes;
}

void LogSegments::roll() {
    ZABD_ASSERT(has_next());
    close_current();
    current_ = std::move(next_.front());
    next_.pop_front();
    offset_ = kBlockBytes;
}

void LogSegments::close_current() {
    closed_.push_back({.number = current_.number, .bytes = current_.bytes, .zxid_last = position_.zxid});
}

bool LogSegments::wants_next() const { return !has_next() && offset_ >= current_.bytes / 2; }

SegmentPlan LogSegments::next_plan() {
    const auto number = current_.number + next_.size() + 1;
    SegmentPlan plan{
        .path = path_of(number), .id = {options_.identity, number}, .bytes = options_.segment_bytes, .recycled = {}};
    if (!spare_.empty()) {
        plan.recycled = path_of(spare_.front().number);
        spare_.pop_front();
    }
    return plan;
}

void LogSegments::adopt(Segment next) {
    ZABD_ASSERT(next.number == current_.number + next_.size() + 1);
    next_.push_back(std::move(next));
}

std::vector<fs::path> LogSegments::release_through(Zxid zxid) {
    if (offset_ == kBlockBytes) return {};  // the last record is in a closed segment
    std::vector<Closed> released(spare_.begin(), spare_.end());
    while (!closed_.empty() && closed_.front().zxid_last <= zxid) {
        released.push_back(closed_.front());
        closed_.pop_front();
    }
    // The newest are kept for recycling, so that the numbers on disk have no gap.
    std::size_t dropped = released.size();
    while (dropped > 0 && released.size() - dropped < kSparesMax &&
           released[dropped - 1].bytes == options_.segment_bytes) {
        --dropped;
    }
    spare_.assign(released.begin() + static_cast<std::ptrdiff_t>(dropped), released.end());
    std::vector<fs::path> paths;
    paths.reserve(dropped);
    for (std::size_t n = 0; n < dropped; ++n) paths.push_back(path_of(released[n].number));
    return paths;
}

std::uint64_t LogSegments::size_bytes() const {
    std::uint64_t bytes = current_.bytes;
    for (const auto& segment : closed_) bytes += segment.bytes;
    for (const auto& segment : spare_) bytes += segment.bytes;
    for (const auto& segment : next_) bytes += segment.bytes;
    return bytes;
}

fs::path LogSegments::path_of(std::uint64_t number) const { return options_.directory / segment_name(number); }

}  // namespace zabd::storage
