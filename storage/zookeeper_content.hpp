// Bytes of a file that ZooKeeper wrote, from its beginning to its end, as they were before it compressed them.
//
// Compression   as the last part of the name says: .gz is a gzip member; .snappy the framing of the Java library (a header
//               of 16 bytes, then blocks, each with its length), which is not Snappy's own framing format.
// Errors        Errc::kDamaged with the file and the place in it; Errc::kIo. The file is opened for reading only.
// Bounds        a piece is at most kPieceBytes long, or a block of Snappy, which is at most kBlockBytesMax: checked before it
//               is read.
#pragma once

#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace zabd::storage {

/// A file that is read once, forwards.
class InputFile {
public:
    static Result<std::unique_ptr<InputFile>> open(const std::filesystem::path& path);
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    /// Fewer bytes than there is room for only at the end.
    Result<std::size_t> read(std::span<char> into);
    /// The last bytes, wherever read() is.
    Result<std::string> read_end(std::size_t bytes);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    InputFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}

    int descriptor_;
    std::filesystem::path path_;
    std::uint64_t size_ = 0;
    std::uint64_t position_ = 0;
};

enum class Compression : std::uint8_t { kNone, kGzip, kSnappy };
[[nodiscard]] Compression compression_of(const std::filesystem::path& path);

class ZookeeperContent {
public:
    static constexpr std::size_t kPieceBytes = 64 << 10;
    static constexpr std::size_t kBlockBytesMax = 16 << 20;

    static Result<std::unique_ptr<ZookeeperContent>> open(const std::filesystem::path& path);
    virtual ~ZookeeperContent() = default;

    /// Good until the next call; empty at the end.
    virtual Result<std::string_view> next() = 0;
};

/// "FILE: what at byte N".
[[nodiscard]] std::unexpected<Error> damage_of_file(const std::filesystem::path& path, std::uint64_t offset,
                                                    std::string_view what);

[[nodiscard]] std::string hex_text(std::uint64_t number);

}  // namespace zabd::storage
