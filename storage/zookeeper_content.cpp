#include "storage/zookeeper_content.hpp"

#include "storage/file.hpp"
#include "wire/big_endian.hpp"

#include <fcntl.h>
#include <snappy-c.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

class Plain final : public ZookeeperContent {
public:
    explicit Plain(std::unique_ptr<InputFile> file) : file_(std::move(file)) {}

    Result<std::string_view> next() override {
        const auto read = file_->read(piece_);
        if (!read) return std::unexpected(read.error());
        return std::string_view(piece_).substr(0, *read);
    }

private:
    std::unique_ptr<InputFile> file_;
    std::string piece_ = std::string(kPieceBytes, '\0');
};

/// Bytes behind the member are not looked at.
class Gzip final : public ZookeeperContent {
public:
    static Result<std::unique_ptr<ZookeeperContent>> open(std::unique_ptr<InputFile> file) {
        auto content = std::unique_ptr<Gzip>(new Gzip(std::move(file)));
        constexpr int kLargestWindow = 15;
        constexpr int kOnlyGzip = 16;
        if (::inflateInit2(&content->stream_, kLargestWindow + kOnlyGzip) != Z_OK)
            return failure(Errc::kIo, content->file_->path().string() + ": zlib cannot begin");
        return content;
    }
    ~Gzip() override { ::inflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    Result<std::string_view> next() override {
        stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
        stream_.avail_out = kPieceBytes;
        while (!ended_ && stream_.avail_out != 0) {
            if (stream_.avail_in == 0) {
                if (auto filled = fill(); !filled) return std::unexpected(filled.error());
            }
            const int code = ::inflate(&stream_, Z_NO_FLUSH);
            if (code != Z_OK && code != Z_STREAM_END)
                return damage_of_file(file_->path(), position(), "the compressed bytes are damaged");
            ended_ = code == Z_STREAM_END;
        }
        return std::string_view(piece_).substr(0, kPieceBytes - stream_.avail_out);
    }

private:
    explicit Gzip(std::unique_ptr<InputFile> file) : file_(std::move(file)) {}

    Result<void> fill() {
        const auto read = file_->read(packed_);
        if (!read) return std::unexpected(read.error());
        if (*read == 0) return damage_of_file(file_->path(), position(), "the compressed bytes end too early");
        stream_.next_in = reinterpret_cast<Bytef*>(packed_.data());
        stream_.avail_in = static_cast<uInt>(*read);
        return {};
    }
    [[nodiscard]] std::uint64_t position() const { return file_->position() - stream_.avail_in; }

    std::unique_ptr<InputFile> file_;
    z_stream stream_{};
    bool ended_ = false;
    std::string packed_ = std::string(kPieceBytes, '\0');
    std::string piece_ = std::string(kPieceBytes, '\0');
};

class Snappy final : public ZookeeperContent {
public:
    explicit Snappy(std::unique_ptr<InputFile> file) : file_(std::move(file)) {}

    Result<std::string_view> next() override {
        if (file_->position() == 0) {
            if (auto begun = take_header(); !begun) return std::unexpected(begun.error());
        }
        block_.clear();
        while (block_.empty() && file_->position() != file_->size()) {
            if (auto taken = take_block(); !taken) return std::unexpected(taken.error());
        }
        return block_;
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(std::uint64_t offset, std::string_view what) const {
        return damage_of_file(file_->path(), offset, what);
    }

    /// Of exactly so many bytes.
    Result<void> take(std::span<char> into) {
        const auto offset = file_->position();
        const auto read = file_->read(into);
        if (!read) return std::unexpected(read.error());
        if (*read != into.size()) return damage(offset, "the compressed bytes end too early");
        return {};
    }

    Result<void> take_header() {
        constexpr std::string_view kBeginning("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
        char header[kBeginning.size()];
        if (auto taken = take(header); !taken) return taken;
        if (std::string_view(header, sizeof header) != kBeginning)
            return damage(0, "this is not the beginning of a Snappy stream, version 1,");
        return {};
    }

    Result<void> take_block() {
        const auto offset = file_->position();
        char length[4];
        if (auto taken = take(length); !taken) return taken;
        const auto packed_bytes = load_big_endian<std::uint32_t>(length);
        if (packed_bytes > std::min<std::uint64_t>(file_->size() - file_->position(), kBlockBytesMax))
            return damage(offset, "a Snappy block is longer than it may be");
        packed_.resize(packed_bytes);
        if (auto taken = take(packed_); !taken) return taken;
        std::size_t bytes = 0;
        if (::snappy_uncompressed_length(packed_.data(), packed_.size(), &bytes) != SNAPPY_OK || bytes > kBlockBytesMax)
            return damage(offset, "a Snappy block does not read");
        block_.resize(bytes);
        if (::snappy_uncompress(packed_.data(), packed_.size(), block_.data(), &bytes) != SNAPPY_OK)
            return damage(offset, "a Snappy block does not read");
        return {};
    }

    std::unique_ptr<InputFile> file_;
    std::string packed_;
    std::string block_;
};

}  // namespace

Result<std::unique_ptr<InputFile>> InputFile::open(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return std::unexpected(system_error(errno, path, "open"));
    std::unique_ptr<InputFile> file(new InputFile(descriptor, path));
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return std::unexpected(system_error(errno, path, "fstat"));
    file->size_ = static_cast<std::uint64_t>(status.st_size);
    return file;
}

InputFile::~InputFile() { ::close(descriptor_); }

Result<std::size_t> InputFile::read(std::span<char> into) {
    std::size_t done = 0;
    while (done < into.size()) {
        const auto size = ::read(descriptor_, into.data() + done, into.size() - done);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::unexpected(system_error(errno, path_, "read"));
        if (size == 0) break;
        done += static_cast<std::size_t>(size);
    }
    position_ += done;
    return done;
}

Result<std::string> InputFile::read_end(std::size_t bytes) {
    std::string end(std::min<std::uint64_t>(bytes, size_), '\0');
    const auto read = ::pread(descriptor_, end.data(), end.size(), static_cast<off_t>(size_ - end.size()));
    if (read < 0) return std::unexpected(system_error(errno, path_, "read"));
    end.resize(static_cast<std::size_t>(read));
    return end;
}

Compression compression_of(const fs::path& path) {
    auto end = path.extension().string();
    std::ranges::transform(end, end.begin(), [](unsigned char letter) { return std::tolower(letter); });
    if (end == ".gz") return Compression::kGzip;
    return end == ".snappy" ? Compression::kSnappy : Compression::kNone;
}

Result<std::unique_ptr<ZookeeperContent>> ZookeeperContent::open(const fs::path& path) {
    auto file = InputFile::open(path);
    if (!file) return std::unexpected(file.error());
    switch (compression_of(path)) {
        case Compression::kGzip: return Gzip::open(std::move(*file));
        case Compression::kSnappy: return std::make_unique<Snappy>(std::move(*file));
        case Compression::kNone: break;
    }
    return std::make_unique<Plain>(std::move(*file));
}

std::unexpected<Error> damage_of_file(const fs::path& path, std::uint64_t offset, std::string_view what) {
    return failure(Errc::kDamaged, path.string() + ": " + std::string(what) + " at byte " + std::to_string(offset));
}

std::string hex_text(std::uint64_t number) {
    char digits[16];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number, 16).ptr;
    return "0x" + std::string(digits, end);
}

}  // namespace zabd::storage
