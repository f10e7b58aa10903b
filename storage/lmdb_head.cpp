#include "storage/lmdb_head.hpp"

#include "storage/crc32c.hpp"
#include "storage/file.hpp"
#include "storage/lmdb_environment.hpp"
#include "wire/jute.hpp"

#include <string>
#include <string_view>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "zabdhead";
constexpr std::uint64_t kPages = 2;

fs::path head_of(const fs::path& data) { return data.parent_path() / "head"; }

Result<std::string> first_bytes(File& file, std::uint64_t size) {
    std::string bytes(size, '\0');
    const auto read = file.read_at(0, bytes);
    if (!read) return std::unexpected(read.error());
    bytes.resize(*read);
    return bytes;
}

Result<std::string> read_head(const fs::path& data) {
    const auto path = head_of(data);
    const auto damaged = [&](std::string_view what) {
        return std::unexpected(checkpoint_damage(data.parent_path(), "its file head " + std::string(what)));
    };
    if (!fs::exists(path)) return damaged("is missing");
    const auto file = real_file_system().open(path);
    if (!file) return std::unexpected(file.error());
    const auto content = read_whole(**file);
    if (!content) return content;
    if (!content->starts_with(kMagic)) return damaged("is none");
    wire::Decoder in(std::string_view(*content).substr(kMagic.size()));
    const auto crc = static_cast<std::uint32_t>(in.get_int());
    if (in.failed() || crc != crc32c(in.rest())) return damaged("fails its checksum");
    return std::string(in.rest());
}

}  // namespace

Result<void> save_head(const fs::path& data, std::uint64_t page_bytes) {
    const auto file = real_file_system().open(data);
    if (!file) return std::unexpected(file.error());
    const auto pages = first_bytes(**file, kPages * page_bytes);
    if (!pages) return std::unexpected(pages.error());
    std::string content(kMagic);
    wire::Encoder out(content);
    out.put_int(static_cast<std::int32_t>(crc32c(*pages)));
    out.put_raw(*pages);
    return replace_file(real_file_system(), data.parent_path() / "head", content);
}

Result<void> restore_head(const fs::path& data) {
    const auto pages = read_head(data);
    if (!pages) return std::unexpected(pages.error());
    const auto file = real_file_system().open(data);
    if (!file) return std::unexpected(file.error());
    const auto there = first_bytes(**file, pages->size());
    if (!there) return std::unexpected(there.error());
    if (*there == *pages) return {};
    if (there->size() != pages->size())
        return std::unexpected(checkpoint_damage(data.parent_path(), "it is shorter than its head"));
    if (auto written = (*file)->write_at(0, *pages); !written) return written;
    return (*file)->sync_data();
}

}  // namespace zabd::storage
