#include "storage/zookeeper_snapshot_file.hpp"

#include "storage/file.hpp"
#include "storage/zookeeper_content.hpp"
#include "wire/jute.hpp"

#include <zlib.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

struct SnapshotHeader {
    std::int32_t magic = 0x5a4b534e;
    std::int32_t version = 2;
    std::int64_t database = -1;
    static void fields(auto& self, auto&& visit) { visit(self.magic, self.version, self.database); }
    friend bool operator==(const SnapshotHeader&, const SnapshotHeader&) = default;
};
constexpr std::size_t kHeaderBytes = 16;

constexpr std::string_view kSealEnd = "/";
constexpr std::size_t kSealBytes = 8 + 4 + 1;
constexpr std::int32_t kDigestVersion = 2;
constexpr std::size_t kDigestBytes = 20 + kSealBytes;
constexpr std::size_t kZxidBytes = 8 + kSealBytes;
constexpr std::size_t kTrailerBytesMax = kSealBytes + kDigestBytes + kZxidBytes;

std::uint32_t adler32_behind(std::uint32_t checksum, std::string_view bytes) {
    return static_cast<std::uint32_t>(
        ::adler32_z(checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class Reader {
public:
    using Visit = std::function<Result<void>(wire::SnapshotElement&&)>;
    Reader(const fs::path& path, const Visit& visit) : path_(path), visit_(visit) {}

    Result<std::optional<TreeDigest>> run() {
        auto content = ZookeeperContent::open(path_);
        if (!content) return std::unexpected(content.error());
        for (;;) {
            const auto piece = (*content)->next();
            if (!piece) return std::unexpected(piece.error());
            if (piece->empty()) break;
            if (auto taken = take(*piece); !taken) return std::unexpected(taken.error());
        }
        return finish();
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(std::uint64_t offset, std::string_view what) const {
        return damage_of_file(path_, offset, what);
    }

    Result<void> take(std::string_view bytes) {
        if (!header_read_) {
            const auto missing = bytes.substr(0, kHeaderBytes - kept_.size());
            kept_.append(missing);
            bytes.remove_prefix(missing.size());
            if (kept_.size() < kHeaderBytes) return {};
            if (auto read = take_header(); !read) return read;
        }
        if (!nodes_.finished()) {
            if (auto fed = take_elements(bytes); !fed) return fed;
        }
        kept_.append(bytes.substr(0, kTrailerBytesMax + 1 - std::min(kept_.size(), kTrailerBytesMax + 1)));
        return {};
    }

    Result<void> take_header() {
        if (wire::decoded<SnapshotHeader>(kept_) != SnapshotHeader())
            return damage(0, "this is no header of a snapshot, version 2,");
        checksum_ = adler32_behind(checksum_, kept_);
        kept_.clear();
        header_read_ = true;
        return {};
    }

    Result<void> take_elements(std::string_view& bytes) {
        elements_.clear();
        const auto used = nodes_.feed(bytes, elements_);
        for (auto& element : elements_) {
            if (auto seen = visit_(std::move(element)); !seen) return where(seen.error());
        }
        if (nodes_.failed()) return damage(position(), "a session, ACL list or node does not read");
        checksum_ = adler32_behind(checksum_, bytes.substr(0, used));
        bytes.remove_prefix(used);
        return {};
    }

    /// What the visitor refuses is not far before.
    [[nodiscard]] std::unexpected<Error> where(const Error& error) const {
        return failure(error.code, path_.string() + ": " + error.where + ", before byte " + std::to_string(position()));
    }

    [[nodiscard]] std::uint64_t position() const { return kHeaderBytes + nodes_.position(); }

    Result<std::optional<TreeDigest>> finish() {
        if (!nodes_.finished()) return damage(header_read_ ? position() : kept_.size(), "the file ends too early,");
        if (auto sealed = take_seal(); !sealed) return std::unexpected(sealed.error());
        std::optional<TreeDigest> digest;
        const auto rest = kept_.size() - taken_;
        if (rest == kDigestBytes || rest == kDigestBytes + kZxidBytes) {
            digest = take_digest();
            if (auto sealed = take_seal(); !sealed) return std::unexpected(sealed.error());
        }
        if (kept_.size() - taken_ == kZxidBytes) {
            (void)take_bytes(8);  // the name says the zxid
            if (auto sealed = take_seal(); !sealed) return std::unexpected(sealed.error());
        }
        if (taken_ != kept_.size()) return damage(position() + taken_, "the file does not end as a snapshot does");
        return digest;
    }

    std::string_view take_bytes(std::size_t count) {
        const auto bytes = std::string_view(kept_).substr(taken_, count);
        checksum_ = adler32_behind(checksum_, bytes);
        taken_ += bytes.size();
        return bytes;
    }

    Result<void> take_seal() {
        const auto offset = position() + taken_;
        const auto expected = checksum_;
        wire::Decoder in(take_bytes(kSealBytes));
        const auto stored = in.get_long();
        const auto end = in.get_counted();
        if (in.failed() || end != kSealEnd) return damage(offset, "there is no whole checksum");
        if (stored == static_cast<std::int64_t>(expected)) return {};
        return damage(offset, "the checksum is " + hex_text(static_cast<std::uint64_t>(stored)) +
                                  ", but the bytes before it have " + hex_text(expected) + ",");
    }

    std::optional<TreeDigest> take_digest() {
        wire::Decoder in(take_bytes(kDigestBytes - kSealBytes));
        const Zxid zxid{static_cast<std::uint64_t>(in.get_long())};
        const auto version = in.get_int();
        const auto value = static_cast<std::uint64_t>(in.get_long());
        if (version != kDigestVersion || zxid == Zxid{}) return std::nullopt;
        return TreeDigest{zxid, value};
    }

    const fs::path& path_;
    const Visit& visit_;
    wire::SnapshotDecoder nodes_{kSnapshotElementBytesMax, wire::SnapshotEnd::kNodes};
    std::vector<wire::SnapshotElement> elements_;
    bool header_read_ = false;
    std::string kept_;       // of the header until it is whole; later, what is behind the nodes
    std::size_t taken_ = 0;  // of what is behind the nodes
    std::uint32_t checksum_ = 1;
};

}  // namespace

Result<bool> looks_whole(const fs::path& snapshot) {
    const auto file = InputFile::open(snapshot);
    if (!file) return std::unexpected(file.error());
    const auto begins_with = [&](std::string_view magic) -> Result<bool> {
        std::string bytes(magic.size(), '\0');
        const auto read = (*file)->read(bytes);
        if (!read) return std::unexpected(read.error());
        return std::string_view(bytes).substr(0, *read) == magic;
    };
    switch (compression_of(snapshot)) {
        case Compression::kGzip: return begins_with("\x1f\x8b");
        case Compression::kSnappy: return begins_with(std::string_view("\x82SNAPPY\0", 8));
        case Compression::kNone: break;
    }
    constexpr std::string_view kEnd("\0\0\0\1/", 5);
    if ((*file)->size() < 10) return false;
    const auto ending = (*file)->read_end(kEnd.size());
    if (!ending) return std::unexpected(ending.error());
    return *ending == kEnd;
}

Result<std::optional<TreeDigest>> read_zookeeper_snapshot(
    const fs::path& path, const std::function<Result<void>(wire::SnapshotElement&&)>& visit) {
    return Reader(path, visit).run();
}

// --- writing ---------------------------------------------------------------------------------------------------------

ZookeeperSnapshotWriter::ZookeeperSnapshotWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
ZookeeperSnapshotWriter::~ZookeeperSnapshotWriter() = default;

Result<std::unique_ptr<ZookeeperSnapshotWriter>> ZookeeperSnapshotWriter::create(const fs::path& path) {
    auto file = real_file_system().create(path);
    if (!file) return std::unexpected(file.error());
    std::unique_ptr<ZookeeperSnapshotWriter> writer(new ZookeeperSnapshotWriter(std::move(*file)));
    if (auto begun = writer->add(wire::encoded(SnapshotHeader())); !begun) return std::unexpected(begun.error());
    return writer;
}

Result<void> ZookeeperSnapshotWriter::add(std::string_view bytes) {
    checksum_ = adler32_behind(checksum_, bytes);
    if (auto written = file_->write_at(position_, bytes); !written) return written;
    position_ += bytes.size();
    return {};
}

Result<void> ZookeeperSnapshotWriter::seal() {
    std::string bytes;
    wire::Encoder encoder(bytes);
    encoder.put_long(checksum_);
    encoder.put_counted(kSealEnd);
    return add(bytes);
}

Result<void> ZookeeperSnapshotWriter::finish(const TreeDigest& digest) {
    if (auto sealed = seal(); !sealed) return sealed;
    std::string bytes;
    wire::Encoder encoder(bytes);
    encoder.put_long(static_cast<std::int64_t>(digest.zxid.value));
    encoder.put_int(kDigestVersion);
    encoder.put_long(static_cast<std::int64_t>(digest.value));
    if (auto added = add(bytes); !added) return added;
    if (auto sealed = seal(); !sealed) return sealed;
    return file_->sync_all();
}

}  // namespace zabd::storage
