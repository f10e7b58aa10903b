#include "storage/data_dir.hpp"

#include "storage/file.hpp"
#include "storage/hard_state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kVersion = "2";
constexpr std::string_view kHoldsAll = "state+log";
constexpr std::string_view kHoldsState = "state";
constexpr std::string_view kHoldsLog = "log";

/// Text of DIR/zabd/format.
struct Format {
    std::string holds;
    std::uint64_t identity = 0;
};

std::string written(const Format& format) {
    char identity[17];
    std::snprintf(identity, sizeof identity, "%016llx", static_cast<unsigned long long>(format.identity));
    return "version " + std::string(kVersion) + "\nholds " + format.holds + "\nidentity " + identity + "\n";
}

/// The rest of the line that starts with `key`.
std::string value_of(std::string_view text, std::string_view key) {
    const auto line = text.find(std::string(key) + " ");
    if (line == text.npos || (line != 0 && text[line - 1] != '\n')) return {};
    const auto value = text.substr(line + key.size() + 1);
    return std::string(value.substr(0, value.find('\n')));
}

/// Kinds of file systems on which neither locks nor memory maps hold what they promise.
bool on_network(const fs::path& path) {
    constexpr long kNetworks[] = {0x6969 /* nfs */,    0xff534d42 /* cifs */, 0x517b /* smb */, 0xfe534d42 /* smb2 */,
                                  0x01021997 /* 9p */, 0x00c36400 /* ceph */, 0x5346414f /* afs */};
    struct statfs status {};
    if (::statfs(path.c_str(), &status) != 0) return false;
    return std::find(std::begin(kNetworks), std::end(kNetworks), static_cast<long>(status.f_type)) !=
           std::end(kNetworks);
}

Result<void> fill_random(std::span<unsigned char> bytes) {
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return std::unexpected(system_error(errno, "getrandom", "draw a secret"));
    return {};
}

/// Makes the directory and what is missing above it, each entry durable.
Result<void> make_directories(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return {};
    const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (auto made = make_directories(parent); !made) return made;
    fs::create_directory(path, error);
    if (error) return std::unexpected(system_error(error.value(), path, "create the directory"));
    return real_file_system().sync_directory(parent);
}

constexpr std::string_view kLog = "log";
constexpr std::string_view kCheckpoint = "checkpoint";

std::string name_of(std::string_view kind, DataDir::Generation generation) {
    return std::string(kind) + (generation == 0 ? "" : "." + std::to_string(generation));
}

/// nullopt: no directory of a log or checkpoint.
std::optional<DataDir::Generation> generation_of(const std::string& name) {
    for (const auto kind : {kLog, kCheckpoint}) {
        if (!name.starts_with(kind)) continue;
        DataDir::Generation generation = 0;
        const auto digits = std::string_view(name).substr(std::min(name.size(), kind.size() + 1));
        (void)std::from_chars(digits.data(), digits.data() + digits.size(), generation);
        if (name_of(kind, generation) == name) return generation;
    }
    return std::nullopt;
}

/// Of logs and checkpoints.
std::vector<fs::path> generations_in(const fs::path& root) {
    std::vector<fs::path> found;
    std::error_code error;
    for (auto entry = fs::directory_iterator(root / "zabd", error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        if (generation_of(entry->path().filename())) found.push_back(entry->path());
    }
    return found;
}

/// If it is there.
Result<void> move_directory(const fs::path& from, const fs::path& into) {
    std::error_code error;
    if (!fs::exists(from, error)) return {};
    if (auto made = make_directories(into); !made) return made;
    if (auto moved = real_file_system().rename(from, into / from.filename()); !moved) return moved;
    if (auto synced = real_file_system().sync_directory(into); !synced) return synced;
    return real_file_system().sync_directory(from.parent_path());
}

Result<std::string> read_file(const fs::path& path) {
    const auto file = real_file_system().open(path);
    if (!file) return std::unexpected(file.error());
    return read_whole(**file);
}

}  // namespace

class DataDir::Opening {
public:
    Opening(const fs::path& root, const fs::path& log_root) : data_(new DataDir) {
        data_->root_ = root.lexically_normal();
        data_->log_root_ = log_root.lexically_normal();
    }

    Result<std::unique_ptr<DataDir>> run() {
        for (const auto& root : data_->roots()) {
            if (auto checked = check_place(root); !checked) return std::unexpected(checked.error());
        }
        for (const auto& root : data_->roots()) {
            if (auto made = make_directories(root / "zabd"); !made) return std::unexpected(made.error());
            if (auto locked = lock(root / "zabd" / "lock"); !locked) return std::unexpected(locked.error());
        }
        if (auto settled = settle_formats(); !settled) return std::unexpected(settled.error());
        return std::move(data_);
    }

private:
    [[nodiscard]] bool one_root() const { return data_->roots().size() == 1; }

    static Result<void> check_place(const fs::path& root) {
        std::error_code error;
        if (fs::exists(root / "version-2", error)) {
            return failure(Errc::kUnsupported,
                           root.string() +
                               ": holds files of Apache ZooKeeper (version-2). They were left as they "
                               "are: choose another dataDir, which zabd import can fill from them");
        }
        auto existing = root;
        while (!existing.empty() && !fs::exists(existing, error)) existing = existing.parent_path();
        if (on_network(existing.empty() ? fs::path(".") : existing)) {
            return failure(Errc::kUnsupported, root.string() +
                                                   ": is on a network file system, where neither locks nor memory maps "
                                                   "can be trusted: choose a directory on a disk of this machine");
        }
        return {};
    }

    Result<void> lock(const fs::path& path) {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        if (descriptor < 0) return std::unexpected(system_error(errno, path, "open"));
        data_->lock_descriptors_.push_back(descriptor);
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return std::unexpected(system_error(errno, path, "lock"));
            char pid[24] = "";
            (void)!::pread(descriptor, pid, sizeof pid - 1, 0);
            pid[std::strcspn(pid, "\n")] = '\0';
            return failure(Errc::kInUse, path.parent_path().string() + ": in use by process " + pid);
        }
        const auto pid = std::to_string(::getpid()) + "\n";
        (void)!::ftruncate(descriptor, 0);  // for the reader of that error alone, so its loss is no matter
        (void)!::pwrite(descriptor, pid.data(), pid.size(), 0);
        return {};
    }

    /// The root's format is written last: it says that all of the directory is there.
    Result<void> settle_formats() {
        const auto state = read_format(data_->root_);
        if (!state) return std::unexpected(state.error());
        if (*state) return check_formats(**state);
        if (auto drawn = fill_random({reinterpret_cast<unsigned char*>(&data_->identity_), 8}); !drawn) return drawn;
        if (!one_root()) {
            if (auto begun = begin_log_root(); !begun) return begun;
        }
        if (auto made = data_->make_generation(0); !made) return made;
        if (auto made = make_hard_state(); !made) return made;
        return write_format(data_->root_, one_root() ? kHoldsAll : kHoldsState);
    }

    Result<void> check_formats(const Format& state) {
        const auto& root = data_->root_;
        const auto& log_root = data_->log_root_;
        data_->identity_ = state.identity;
        if (state.holds == kHoldsLog) {
            return failure(Errc::kBadConfig, root.string() +
                                                 ": holds a log only: it is the dataLogDir of another directory. Are "
                                                 "dataDir and dataLogDir swapped?");
        }
        if (state.holds == kHoldsAll) {
            if (one_root()) return {};
            return failure(Errc::kBadConfig, root.string() + ": holds its log itself: take dataLogDir=" +
                                                 log_root.string() + " out of the configuration");
        }
        if (one_root()) {
            return failure(Errc::kBadConfig,
                           root.string() + ": its log is in another directory: set dataLogDir as it was before");
        }
        const auto log = read_format(log_root);
        if (!log) return std::unexpected(log.error());
        if (!*log) {
            return failure(Errc::kDamaged, log_root.string() + ": the log of " + root.string() +
                                               " should be here, but is not. Is its disk mounted?");
        }
        if ((*log)->holds == kHoldsLog && (*log)->identity == state.identity) return {};
        return failure(Errc::kBadConfig, log_root.string() + ": is not the log directory of " + root.string() +
                                             ", but belongs to another server");
    }

    /// A log directory that a crash left without its data directory has no record yet, and may be taken.
    Result<void> begin_log_root() {
        const auto& log_root = data_->log_root_;
        const auto log = read_format(log_root);
        if (!log) return std::unexpected(log.error());
        std::error_code error;
        const auto used = [&](const fs::path& directory) { return !fs::is_empty(directory, error); };
        if (*log && std::ranges::any_of(generations_in(log_root), used)) {
            return failure(Errc::kBadConfig, log_root.string() + ": holds the log of another directory than " +
                                                 data_->root_.string() + ", which is empty");
        }
        return write_format(log_root, kHoldsLog);
    }

    static Result<std::optional<Format>> read_format(const fs::path& root) {
        const auto path = root / "zabd" / "format";
        std::error_code error;
        if (!fs::exists(path, error)) return std::nullopt;
        const auto text = read_file(path);
        if (!text) return std::unexpected(text.error());
        const auto version = value_of(*text, "version");
        if (version != kVersion) {
            return failure(Errc::kUnsupported,
                           path.string() + ": version '" + version + "', but this zabd reads " + std::string(kVersion));
        }
        Format format{.holds = value_of(*text, "holds"), .identity = 0};
        const auto identity = value_of(*text, "identity");
        (void)std::from_chars(identity.data(), identity.data() + identity.size(), format.identity, 16);
        if (written(format) != *text) return failure(Errc::kDamaged, path.string() + ": does not read");
        return format;
    }

    Result<void> write_format(const fs::path& root, std::string_view holds) {
        return replace_file(real_file_system(), root / "zabd" / "format",
                            written({.holds = std::string(holds), .identity = data_->identity_}));
    }

    Result<void> make_hard_state() const {
        StoredHardState initial;
        if (auto drawn = fill_random(initial.secret); !drawn) return drawn;
        const auto made = HardStateFile::open(real_file_system(), data_->hard_state_path(), initial);
        if (!made) return std::unexpected(made.error());
        return {};
    }

    std::unique_ptr<DataDir> data_;
};

Result<std::unique_ptr<DataDir>> DataDir::open(const fs::path& root, const fs::path& log_root) {
    return Opening(root, log_root).run();
}

DataDir::~DataDir() {
    for (const int descriptor : lock_descriptors_) ::close(descriptor);
}

std::vector<fs::path> DataDir::roots() const {
    std::error_code error;
    if (root_ == log_root_ || fs::equivalent(root_, log_root_, error)) return {root_};
    return {root_, log_root_};
}

fs::path DataDir::log_directory(Generation generation) const { return log_root_ / "zabd" / name_of(kLog, generation); }

fs::path DataDir::checkpoint_directory(Generation generation) const {
    return root_ / "zabd" / name_of(kCheckpoint, generation);
}

Result<void> DataDir::make_generation(Generation generation) const {
    if (auto made = make_directories(log_directory(generation)); !made) return made;
    return make_directories(checkpoint_directory(generation));
}

Result<void> DataDir::remove_other_generations(Generation generation) const {
    for (const auto& root : roots()) {
        for (const auto& directory : generations_in(root)) {
            if (generation_of(directory.filename()) == generation) continue;
            std::error_code error;
            fs::remove_all(directory, error);
            if (error) return std::unexpected(system_error(error.value(), directory, "remove"));
        }
        if (auto synced = real_file_system().sync_directory(root / "zabd"); !synced) return synced;
    }
    return {};
}

Result<fs::path> DataDir::quarantine(Generation generation) const {
    std::error_code error;
    std::string name;
    const auto taken = [&](const fs::path& root) { return fs::exists(root / "zabd" / name, error); };
    for (std::uint64_t n = 1; name.empty() || std::ranges::any_of(roots(), taken); ++n)
        name = "quarantine-" + std::to_string(n);
    if (auto moved = move_directory(log_directory(generation), log_root_ / "zabd" / name); !moved)
        return std::unexpected(moved.error());
    if (auto moved = move_directory(checkpoint_directory(generation), root_ / "zabd" / name); !moved)
        return std::unexpected(moved.error());
    return root_ / "zabd" / name;
}

}  // namespace zabd::storage
