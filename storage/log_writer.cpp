#include "storage/log_writer.hpp"

#include "storage/log_format.hpp"
#include "wire/assert.hpp"

#include <cstdint>
#include <utility>

namespace zabd::storage {

Result<LogErrandDone> run_errand(FileSystem& files, const LogErrand& errand) {
    if (auto dropped = drop_segments(files, errand.drop); !dropped) return std::unexpected(dropped.error());
    LogErrandDone done;
    if (!errand.build) return done;
    auto built = build_segment(files, *errand.build);
    if (built) {
        done.built = std::move(*built);
        return done;
    }
    // Recycling allocates nothing, so there a full disk is as strange as any other error.
    if (built.error().code != Errc::kNoSpace || !errand.build->recycled.empty()) return std::unexpected(built.error());
    if (auto dropped = drop_unfinished(files, *errand.build); !dropped) return std::unexpected(dropped.error());
    done.out_of_space = true;
    return done;
}

void LogWriter::add(LogRecord record) { queue_.push_back(std::move(record)); }

void LogWriter::truncate(Zxid up_to) { cuts_.push_back({.at = queue_.size(), .up_to = up_to}); }

std::span<const LogRecord> LogWriter::waiting() const {
    const auto end = cuts_.empty() ? queue_.size() : cuts_.front().at;
    return std::span(queue_).subspan(begin_, end - begin_);
}

bool LogWriter::has_room_for(std::span<const LogRecord> records) const {
    return segments_->has_next() || !segments_->rolls_for(records);
}

bool LogWriter::has_batch() const {
    if (cut_due()) return segments_->has_next() || !segments_->rolls_for_truncate(cuts_.front().up_to);
    return !waiting().empty() && has_room_for(waiting().first(1));
}

std::span<const LogRecord> LogWriter::next_batch() const {
    const auto records = waiting();
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < records.size() && bytes < kBatchBytesMax; ++count)
        bytes += kRecordHeaderBytes + records[count].txn.size();
    while (count > 0 && !has_room_for(records.first(count))) count /= 2;
    return records.first(count);
}

Result<void> LogWriter::write_batch() {
    if (cut_due()) return cut();
    const auto batch = next_batch();
    ZABD_ASSERT(!batch.empty());
    if (auto written = segments_->append(batch); !written) return written;
    begin_ += batch.size();
    forget_written();
    return {};
}

Result<void> LogWriter::cut() {
    if (auto truncated = segments_->truncate(cuts_.front().up_to); !truncated) return truncated;
    cuts_.pop_front();
    ++truncations_;
    return {};
}

void LogWriter::forget_written() {
    if (begin_ * 2 < queue_.size()) return;  // seldom enough to cost little, soon enough to keep little
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(begin_));
    for (auto& cut : cuts_) cut.at -= begin_;
    begin_ = 0;
}

Result<void> LogWriter::write_end() {
    ZABD_ASSERT(!has_batch());
    if (!has_room_for({})) return {};
    return segments_->append({});
}

std::optional<LogErrand> LogWriter::next_errand(Instant now) {
    LogErrand errand;
    if (const auto zxid = std::exchange(released_, std::nullopt)) errand.drop = segments_->release_through(*zxid);
    const bool wanted = segments_->wants_next() || (!empty() && !has_batch());
    if (wanted && (!retry_at_ || now >= *retry_at_)) errand.build = segments_->next_plan();
    if (errand.drop.empty() && !errand.build) return std::nullopt;
    return errand;
}

void LogWriter::finish_errand(LogErrandDone done, Instant now) {
    if (done.built) {
        segments_->adopt(std::move(*done.built));
        retry_at_.reset();
    }
    if (done.out_of_space) retry_at_ = now + kRetrySpace;
}

LogProgress LogWriter::progress() const {
    LogProgress progress{
        .zxid_durable = segments_->zxid_last(), .zxid_begin = segments_->zxid_begin(), .truncations = truncations_};
    if (retry_at_) progress.room_bytes = cuts_.empty() ? segments_->room_bytes() : 0;
    return progress;
}

}  // namespace zabd::storage
