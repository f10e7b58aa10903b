#include "storage/zookeeper_log_file.hpp"

#include "storage/file.hpp"
#include "storage/zookeeper_content.hpp"
#include "wire/jute.hpp"

#include <zlib.h>

#include <algorithm>
#include <span>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

struct LogHeader {
    std::int32_t magic = 0x5a4b4c47;
    std::int32_t version = 2;
    std::int64_t database = 0;
    static void fields(auto& self, auto&& visit) { visit(self.magic, self.version, self.database); }
};
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kRecordHeadBytes = 8 + 4;
constexpr char kRecordEnd = 'B';
constexpr std::size_t kReadBytes = 256 << 10;  // and written at once

std::uint32_t adler32_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(::adler32_z(1, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class Reader {
public:
    using Visit = std::function<Result<void>(std::string_view)>;
    Reader(std::unique_ptr<InputFile> file, const Visit& visit) : file_(std::move(file)), visit_(visit) {}

    Result<std::optional<TornTail>> run() {
        if (auto taken = take_header(); !taken) return std::unexpected(taken.error());
        for (;;) {
            const auto more = take_record();
            if (!more) return std::unexpected(more.error());
            if (!*more) break;
        }
        if (!tail_) {
            if (auto looked = look_behind(); !looked) return std::unexpected(looked.error());
        }
        return tail_;
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(std::string_view what) const {
        return damage_of_file(file_->path(), offset_, what);
    }
    /// There is no record any more.
    bool end(std::string why) {
        tail_ = {offset_, std::move(why)};
        return false;
    }

    /// So many bytes from offset_ on; fewer where the file ends.
    Result<std::string_view> peek(std::size_t bytes) {
        if (buffer_.size() - taken_ < bytes) {
            buffer_.erase(0, std::exchange(taken_, 0));
            const auto kept = buffer_.size();
            buffer_.resize(std::max(bytes, kReadBytes));
            const auto read = file_->read(std::span(buffer_).subspan(kept));
            if (!read) return std::unexpected(read.error());
            buffer_.resize(kept + *read);
        }
        return std::string_view(buffer_).substr(taken_, bytes);
    }
    void pass(std::size_t bytes) {
        taken_ += bytes;
        offset_ += bytes;
    }

    Result<void> take_header() {
        const auto bytes = peek(kHeaderBytes);
        if (!bytes) return std::unexpected(bytes.error());
        const auto header = wire::decoded<LogHeader>(*bytes);
        const LogHeader ours;
        if (!header || header->magic != ours.magic || header->version != ours.version)
            return damage("this is no header of a log, version 2,");
        pass(kHeaderBytes);
        return {};
    }

    Result<bool> take_record() {
        const auto head = peek(kRecordHeadBytes);
        if (!head) return std::unexpected(head.error());
        if (head->size() < kRecordHeadBytes) return false;
        wire::Decoder in(*head);
        const auto checksum = in.get_long();
        const auto length = in.get_int();
        if (length == 0) return false;
        if (length < 0 || static_cast<std::size_t>(length) > kLogRecordBytesMax)
            return damage("a record says that its length is " + std::to_string(length));
        const auto bytes = kRecordHeadBytes + static_cast<std::size_t>(length) + 1;
        if (bytes > file_->size() - offset_) return end("a record is cut off");
        const auto whole = peek(bytes);
        if (!whole) return std::unexpected(whole.error());
        if (whole->size() < bytes) return end("a record is cut off");
        if (whole->back() != kRecordEnd) return end("a record does not have its end");
        const auto payload = whole->substr(kRecordHeadBytes, static_cast<std::size_t>(length));
        if (checksum != static_cast<std::int64_t>(adler32_of(payload)))
            return damage("the checksum of a record is not that of its bytes");
        if (auto seen = visit_(payload); !seen) {
            return failure(seen.error().code,
                           file_->path().string() + ": " + seen.error().where + ", at byte " + std::to_string(offset_));
        }
        pass(bytes);
        return true;
    }

    /// Whether there is anything but what was set aside.
    Result<void> look_behind() {
        for (;;) {
            const auto bytes = peek(kReadBytes);
            if (!bytes) return std::unexpected(bytes.error());
            if (bytes->empty()) return {};
            if (bytes->find_first_not_of('\0') != bytes->npos) {
                (void)end("what is there is no record");
                return {};
            }
            taken_ += bytes->size();
        }
    }

    std::unique_ptr<InputFile> file_;
    const Visit& visit_;
    std::string buffer_;
    std::size_t taken_ = 0;     // of the buffer
    std::uint64_t offset_ = 0;  // in the file, of the record at hand
    std::optional<TornTail> tail_;
};

}  // namespace

Result<std::optional<TornTail>> read_zookeeper_log(const fs::path& path,
                                                   const std::function<Result<void>(std::string_view)>& visit) {
    auto file = InputFile::open(path);
    if (!file) return std::unexpected(file.error());
    return Reader(std::move(*file), visit).run();
}

// --- writing ---------------------------------------------------------------------------------------------------------

ZookeeperLogWriter::ZookeeperLogWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
ZookeeperLogWriter::~ZookeeperLogWriter() = default;

Result<std::unique_ptr<ZookeeperLogWriter>> ZookeeperLogWriter::create(const fs::path& path) {
    auto file = real_file_system().create(path);
    if (!file) return std::unexpected(file.error());
    std::unique_ptr<ZookeeperLogWriter> writer(new ZookeeperLogWriter(std::move(*file)));
    writer->kept_ = wire::encoded(LogHeader());
    return writer;
}

Result<void> ZookeeperLogWriter::add(std::string_view payload) {
    wire::Encoder encoder(kept_);
    encoder.put_long(adler32_of(payload));
    encoder.put_counted(payload);
    encoder.put_byte(kRecordEnd);
    return kept_.size() < kReadBytes ? Result<void>() : write_kept();
}

Result<void> ZookeeperLogWriter::write_kept() {
    if (auto written = file_->write_at(position_, kept_); !written) return written;
    position_ += kept_.size();
    kept_.clear();
    return {};
}

Result<void> ZookeeperLogWriter::finish() {
    if (auto written = write_kept(); !written) return written;
    return file_->sync_all();
}

}  // namespace zabd::storage
