#include "storage/zookeeper_directory.hpp"

#include "storage/file.hpp"
#include "storage/zookeeper_content.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSmallFileBytesMax = 64;

/// Of a file that is there; longer ones are none of ours.
Result<std::optional<std::string>> read_small_file(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    const auto file = InputFile::open(path);
    if (!file) return std::unexpected(file.error());
    std::array<char, kSmallFileBytesMax> content{};
    const auto read = (*file)->read(content);
    if (!read) return std::unexpected(read.error());
    std::string text(content.data(), *read);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    return text;
}

Result<std::optional<Epoch>> read_epoch(const fs::path& path) {
    const auto text = read_small_file(path);
    if (!text) return std::unexpected(text.error());
    if (!*text) return std::nullopt;
    Epoch epoch = 0;
    const auto* end = (*text)->data() + (*text)->size();
    const auto [stopped, error] = std::from_chars((*text)->data(), end, epoch);
    if (error != std::errc() || stopped != end) return damage_of_file(path, 0, "this is no epoch");
    return epoch;
}

/// Ascending; of one zxid the plain file is the last.
Result<std::vector<ZookeeperFile>> list_kind(const fs::path& directory, std::string_view kind) {
    const auto names = real_file_system().list(directory);
    if (!names) return std::unexpected(names.error());
    std::vector<ZookeeperFile> files;
    for (const auto& name : *names) {
        if (const auto zxid = zxid_of_name(kind, name)) files.push_back({directory / name, *zxid});
    }
    std::ranges::stable_sort(files, {}, &ZookeeperFile::zxid);
    return files;
}

}  // namespace

std::optional<Zxid> zxid_of_name(std::string_view kind, std::string_view name) {
    if (!name.starts_with(kind) || name.ends_with(".tmp")) return std::nullopt;
    name.remove_prefix(kind.size());
    if (!name.starts_with('.')) return std::nullopt;
    name.remove_prefix(1);
    const auto digits = name.substr(0, name.find('.'));
    Zxid zxid;
    const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), zxid.value, 16);
    if (error != std::errc() || stopped != digits.data() + digits.size()) return std::nullopt;
    return zxid;
}

std::string name_of_file(std::string_view kind, Zxid zxid) {
    return std::string(kind) + "." + hex_text(zxid.value).substr(2);
}

std::vector<ZookeeperFile> ZookeeperDirectory::logs_behind(Zxid zxid) const {
    auto first = logs.end();
    while (first != logs.begin()) {
        --first;
        if (first->zxid.value <= zxid.value + 1) break;
    }
    return {first, logs.end()};
}

Result<ZookeeperDirectory> list_zookeeper_directory(const fs::path& root, const fs::path& log_root) {
    const auto files = root / kZookeeperVersion;
    const auto log_files = (log_root.empty() ? root : log_root) / kZookeeperVersion;
    std::error_code error;
    for (const auto& directory : {files, log_files}) {
        if (fs::is_directory(directory, error)) continue;
        return failure(Errc::kBadConfig,
                       directory.string() + ": is not there, so its parent is no dataDir of ZooKeeper");
    }
    ZookeeperDirectory found;
    auto snapshots = list_kind(files, kSnapshotKind);
    if (!snapshots) return std::unexpected(snapshots.error());
    found.snapshots.assign(snapshots->rbegin(), snapshots->rend());
    auto logs = list_kind(log_files, kLogKind);
    if (!logs) return std::unexpected(logs.error());
    found.logs = std::move(*logs);
    auto accepted = read_epoch(files / kAcceptedEpoch);
    if (!accepted) return std::unexpected(accepted.error());
    found.accepted_epoch = *accepted;
    auto current = read_epoch(files / kCurrentEpoch);
    if (!current) return std::unexpected(current.error());
    found.current_epoch = *current;
    if (const auto unfinished = read_epoch(files / (std::string(kCurrentEpoch) + ".tmp"))) {
        found.current_epoch_unfinished = *unfinished;  // what does not read was being written
    }
    auto number = read_small_file(root / kServerNumber);
    if (!number) return std::unexpected(number.error());
    found.server_number = std::move(*number);
    return found;
}

}  // namespace zabd::storage
