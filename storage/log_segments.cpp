#include "storage/log_segments.hpp"

#include "storage/log_scan.hpp"
#include "storage/log_walk.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
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

LogOptions with_file_system(LogOptions options) {
    if (!options.files) options.files = &real_file_system();
    return options;
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
    Opening(const LogOptions& options, Zxid after, const std::function<void(LogRecord)>& visit, LogScan& scan)
        : options_(options), after_(after), visit_(visit), scan_(scan), log_(new LogSegments(options)) {}

    Result<std::unique_ptr<LogSegments>> run() {
        if (auto listed = list(); !listed) return std::unexpected(listed.error());
        if (numbers_.empty()) {
            if (after_ != Zxid{}) return damage("it has no segment, but the checkpoint is at " + text_of(after_));
            if (auto started = start_fresh(); !started) return std::unexpected(started.error());
        } else {
            if (auto found = find_cuts(); !found) return std::unexpected(found.error());
            if (auto read = read_all(); !read) return std::unexpected(read.error());
            if (auto repaired = repair(); !repaired) return std::unexpected(repaired.error());
        }
        tell();
        scan_.zxid_last = log_->position_.zxid;
        scan_.torn_bytes = tail_.torn_bytes;
        return std::move(log_);
    }

    Result<std::unique_ptr<LogSegments>> create(Zxid zxid) {
        if (auto listed = list(); !listed) return std::unexpected(listed.error());
        if (!numbers_.empty()) return damage("it should be new, but has segments");
        if (auto started = start_fresh(); !started) return std::unexpected(started.error());
        if (zxid == Zxid{}) return std::move(log_);
        begin(log_origin(options_.identity, zxid));
        log_->position_ = *begin_;
        if (auto written = log_->append({}); !written) return std::unexpected(written.error());
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

    /// A later segment may cut what an earlier one holds, which then must not be told. So all are looked at before.
    Result<void> find_cuts() {
        for (const auto number : numbers_) {
            const auto file = options_.files->open(log_->path_of(number));
            if (!file) return std::unexpected(file.error());
            (*file)->drop_cache();
            std::string head(kBlockBytes + kBatchHeaderBytes, '\0');
            const auto size = (*file)->read_at(0, head);
            if (!size) return std::unexpected(size.error());
            head.resize(*size);
            const auto first = decode_batch_header(head, {options_.identity, number}, kBlockBytes);
            if (first && first->without_records()) cuts_.push_back({.segment = number, .up_to = first->before});
        }
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
        if (first && position_ && first->before != *position_) {
            if (auto went_on = go_on_at(*first); !went_on) return went_on;
        }
        if (first && !begin_) begin(first->before);
        begin_segment(number);
        auto scan =
            scan_segment(*content, id, position_, path.string(), [&](const RecordView& record) { see(record); });
        if (!scan) return std::unexpected(scan.error());
        return place({.number = number, .bytes = content->size(), .file = std::move(*file)}, *scan);
    }

    /// The first batch of a segment continues something else than what came before it.
    Result<void> go_on_at(const BatchHeader& first) {
        if (!log_->current_.file) {
            if (first.without_records() && first.before == log_origin(options_.identity, first.before.zxid))
                position_ = first.before;
            return {};  // else the scan says what is wrong with it
        }
        if (first.without_records()) {
            // What it continues may have been discarded, and of what it cut something may still be there.
            if (numbers_.front() != 1 && begin_ && first.before.zxid < begin_->zxid) begin(first.before);
            const auto passed = passed_.find(first.before.zxid);
            if (passed != passed_.end() && passed->second == first.before) {
                position_ = first.before;
                passed_.erase(std::next(passed), passed_.end());
                log_->cut_back(first.before);
                return {};
            }
        }
        const bool behind = first.before.zxid > position_->zxid;
        return std::unexpected(log_damage(log_->path_of(log_->current_.number).string(), tail_.end_offset,
                                          "records up to zxid " + text_of(first.before.zxid) +
                                              (behind ? " should follow here, the next segment says"
                                                      : " of another history, the next segment says")));
    }

    void begin(const LogPosition& position) {
        begin_ = position;
        met_after_ = position.zxid == after_;
        zxid_seen_ = position.zxid;
        log_->index_ = std::make_unique<LogIndex>(position.zxid);
        pass(position);
    }

    void begin_segment(std::uint64_t number) {
        zxid_limit_ = kZxidUnknown;
        for (const auto& cut : cuts_) {
            if (cut.segment > number) zxid_limit_ = std::min(zxid_limit_, cut.up_to.zxid);
        }
        if (position_ || begin_) passing_ = position_ ? *position_ : *begin_;
    }

    /// Where a later segment may go on is remembered.
    void pass(const LogPosition& position) {
        passing_ = position;
        const auto here = [&](const Cut& cut) { return cut.up_to == position; };
        if (std::ranges::any_of(cuts_, here)) passed_[position.zxid] = position;
    }

    /// Nothing is told that does not continue the checkpoint: whoever listens takes each record for the next one.
    void see(const RecordView& record) {
        if (!cuts_.empty()) pass(advanced(passing_, record));
        if (record.zxid > zxid_limit_) return;
        if (record.zxid.epoch() != zxid_seen_.epoch() && zxid_seen_ > begin_->zxid) epoch_ends_.push_back(zxid_seen_);
        zxid_seen_ = record.zxid;
        if (record.zxid == after_) met_after_ = true;
        if (record.zxid <= after_ || !met_after_) return;
        if (!std::exchange(visited_, true)) tell();
        visit_({.zxid = record.zxid, .txn = Bytes::copy_of(record.txn)});
    }

    void tell() {
        scan_.zxid_begin = log_->zxid_begin();
        scan_.epoch_ends = epoch_ends_;
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
        for (const auto& batch : scan.batches)
            log_->index_->add_batch(segment.number, batch.offset, batch.end, batch.before, batch.last);
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
    LogScan& scan_;
    std::unique_ptr<LogSegments> log_;
    bool visited_ = false;

    std::vector<std::uint64_t> numbers_;
    std::vector<fs::path> unfinished_;
    std::optional<LogPosition> begin_;     // what the oldest batch continues
    std::optional<LogPosition> position_;  // where the segments read so far end
    bool met_after_ = false;
    Zxid zxid_seen_;  // of the last record that counts
    std::vector<Zxid> epoch_ends_;
    struct Cut {
        std::uint64_t segment;
        LogPosition up_to;
    };
    std::vector<Cut> cuts_;               // segments that begin with a batch without records
    std::map<Zxid, LogPosition> passed_;  // of the positions that they continue
    LogPosition passing_;                 // of the record seen last
    Zxid zxid_limit_;                     // of the segment being read: later ones cut what is beyond
    SegmentScan tail_;                    // of the last segment with a batch
    /// The first batch of a segment may be the torn one. Its header would contradict what is yet to come before it.
    struct TornNext {
        std::size_t place;  // in next_
        SegmentScan scan;
    };
    std::vector<TornNext> torn_next_;
};

Result<std::unique_ptr<LogSegments>> LogSegments::open(const LogOptions& options, Zxid after,
                                                       const std::function<void(LogRecord)>& visit, LogScan& scan) {
    const auto with_files = with_file_system(options);
    return Opening(with_files, after, visit, scan).run();
}

Result<std::unique_ptr<LogSegments>> LogSegments::create(const LogOptions& options, Zxid zxid) {
    const auto with_files = with_file_system(options);
    const std::function<void(LogRecord)> nobody;
    LogScan scan;
    return Opening(with_files, {}, nobody, scan).create(zxid);
}

LogSegments::LogSegments(const LogOptions& options) : options_(options), index_(std::make_unique<LogIndex>(Zxid{})) {}

Result<void> LogSegments::append(std::span<const LogRecord> records) {
    if (rolls_for(records)) roll();
    return write_batch(records);
}

Result<void> LogSegments::write_batch(std::span<const LogRecord> records) {
    BatchEncoder encoder(batch_, {.segment = {options_.identity, current_.number},
                                  .offset = offset_,
                                  .before = position_,
                                  .zxid_durable = position_.zxid});
    for (const auto& record : records) encoder.add(record.zxid, record.txn.view());
    const auto position = encoder.finish();
    if (auto written = current_.file->write_at(offset_, batch_); !written) return written;
    index_->add_batch(current_.number, offset_, offset_ + batch_.size(), position_.zxid, position.zxid);
    if (auto synced = current_.file->sync_data(); !synced) return synced;
    position_ = position;
    offset_ += batch_.size();
    current_.bytes = std::max(current_.bytes, offset_);
    return {};
}

Result<void> LogSegments::truncate(Zxid up_to) {
    ZABD_ASSERT(up_to >= zxid_released_);
    if (up_to == position_.zxid) return {};
    const auto position = position_at(up_to);
    if (!position) return std::unexpected(position.error());
    cut_back(*position);
    roll();
    return write_batch({});
}

bool LogSegments::rolls_for_truncate(Zxid up_to) const { return up_to != position_.zxid; }

void LogSegments::cut_back(const LogPosition& position) {
    position_ = position;
    for (auto& segment : closed_) segment.zxid_last = std::min(segment.zxid_last, position.zxid);
    index_->cut(position.zxid);
}

Result<LogPosition> LogSegments::position_at(Zxid zxid) const {
    std::optional<LogPosition> found;
    if (const auto reading = index_->read_behind(zxid)) {
        const auto walked =
            walk_log(log_files(), reading->extents, [&](const LogPosition& position, const RecordView*) {
                if (position.zxid == zxid) found = position;
                return position.zxid < zxid;
            });
        if (!walked) return std::unexpected(walked.error());
    }
    if (found) return *found;
    return failure(Errc::kDamaged, options_.directory.string() + ": the log has no zxid " + text_of(zxid) +
                                       ", to which it should be truncated");
}

Result<std::vector<LogRecord>> LogSegments::read(Zxid after, std::size_t bytes_max) const {
    std::vector<LogRecord> records;
    const auto reading = index_->read_behind(after);
    if (!reading) return records;
    bool met_after = false;
    std::size_t bytes = 0;
    const auto walked =
        walk_log(log_files(), reading->extents, [&](const LogPosition& position, const RecordView* record) {
            if (position.zxid <= after) {
                met_after = position.zxid == after;
                return true;
            }
            if (!met_after) return false;
            records.push_back({.zxid = record->zxid, .txn = Bytes::copy_of(record->txn)});
            bytes += kRecordHeaderBytes + record->txn.size();
            return bytes < bytes_max;
        });
    if (!walked) return std::unexpected(walked.error());
    return records;
}

LogFiles LogSegments::log_files() const {
    return {.files = *options_.files, .directory = options_.directory, .identity = options_.identity};
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
    zxid_released_ = std::max(zxid_released_, zxid);
    std::uint64_t covered_bytes = 0;
    for (const auto& segment : closed_) covered_bytes += segment.zxid_last <= zxid ? segment.bytes : 0;
    std::vector<Closed> released(spare_.begin(), spare_.end());
    while (covered_bytes > options_.retain_bytes && index_->release(closed_.front().number)) {
        covered_bytes -= closed_.front().bytes;
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
