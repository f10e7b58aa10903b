#include "storage/log_walk.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::storage {

namespace {

constexpr std::uint64_t kBytesAtOnce = 64 << 10;

/// Part of a file, read ahead.
class Window {
public:
    Window(File& file, std::uint64_t end) : file_(file), end_(end) {}

    /// From `offset` on at least `bytes`, fewer if that is beyond the end.
    Result<std::string_view> at(std::uint64_t offset, std::uint64_t bytes) {
        bytes = std::min(bytes, end_ - std::min(end_, offset));
        if (offset < begin_ || offset + bytes > begin_ + content_.size()) {
            content_.resize(std::min(std::max(bytes, kBytesAtOnce), end_ - offset));
            const auto read = file_.read_at(offset, content_);
            if (!read) return std::unexpected(read.error());
            content_.resize(*read);
            begin_ = offset;
        }
        return std::string_view(content_).substr(offset - begin_);
    }

private:
    File& file_;
    std::uint64_t end_;
    std::uint64_t begin_ = 0;
    std::string content_;
};

class Walk {
public:
    Walk(const LogFiles& log, const PositionVisitor& visit) : log_(log), visit_(visit) {}

    Result<void> through(const LogIndex::Extent& extent) {
        path_ = log_.directory / segment_name(extent.segment);
        const auto file = log_.files.open(path_);
        if (!file) return std::unexpected(file.error());
        Window window(**file, extent.end);
        for (auto offset = extent.begin; going_on_ && offset < extent.end;) {
            const auto end = batch(window, extent, offset);
            if (!end) return std::unexpected(end.error());
            offset = *end;
        }
        return {};
    }

    [[nodiscard]] bool going_on() const { return going_on_; }

private:
    [[nodiscard]] std::unexpected<Error> damage(std::uint64_t offset, std::string_view what) const {
        return failure(Errc::kDamaged,
                       path_.string() + ": damaged at byte " + std::to_string(offset) + ": " + std::string(what));
    }

    Result<std::uint64_t> batch(Window& window, const LogIndex::Extent& extent, std::uint64_t offset) {
        auto bytes = window.at(offset, kBatchHeaderBytes);
        if (!bytes) return std::unexpected(bytes.error());
        auto header = decode_batch_header_at(*bytes, {log_.identity, extent.segment}, offset);
        if (!header) return damage(offset, "a batch does not read");
        const auto end = header->end();
        bytes = window.at(offset, kBatchHeaderBytes + header->body_bytes);
        if (!bytes) return std::unexpected(bytes.error());
        header->offset = 0;
        std::optional<std::uint64_t> broken_at;
        decode_batch_body(*bytes, *header, records_, broken_at);
        if (broken_at) return damage(offset + *broken_at, "a record does not read");
        if (position_ && *position_ != header->before)
            return damage(offset, "a batch does not continue the one before it");
        if (!position_) {
            position_ = header->before;
            going_on_ = visit_(*position_, nullptr);
        }
        tell(extent.zxid_last);
        return position_->zxid == extent.zxid_last ? extent.end : end;  // what was cut may follow
    }

    void tell(Zxid zxid_last) {
        for (const auto& record : records_) {
            if (!going_on_ || record.zxid > zxid_last) return;
            position_ = advanced(*position_, record);
            going_on_ = visit_(*position_, &record);
        }
    }

    const LogFiles& log_;
    const PositionVisitor& visit_;
    std::filesystem::path path_;
    std::optional<LogPosition> position_;
    std::vector<RecordView> records_;
    bool going_on_ = true;
};

}  // namespace

Result<void> walk_log(const LogFiles& log, std::span<const LogIndex::Extent> extents, const PositionVisitor& visit) {
    Walk walk(log, visit);
    for (const auto& extent : extents) {
        if (!walk.going_on()) break;
        if (auto walked = walk.through(extent); !walked) return walked;
    }
    return {};
}

}  // namespace zabd::storage
