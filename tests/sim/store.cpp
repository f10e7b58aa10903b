#include "tests/sim/store.hpp"

#include "tests/sim/planted_state.hpp"
#include "wire/assert.hpp"
#include "wire/snapshot_stream.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace zabd::sim {

namespace {

const Disk::Path kHardStatePath = "/hard-state";
constexpr std::uint64_t kIdentity = 0x7a6162642d73696d;

}  // namespace

zab::HardState told(const storage::StoredHardState& stored) {
    return {.accepted_epoch = stored.accepted_epoch,
            .current_epoch = stored.current_epoch,
            .has_history = stored.has_history,
            .secret = stored.secret,
            .fuzzy_until = stored.fuzzy_until,
            .provisional = stored.provisional,
            .mixed_from = stored.mixed_from,
            .mixed_until = stored.mixed_until};
}

Store::Store(Stage& stage, const StoreOptions& options)
    : stage_(stage), options_(options), files_(disk_, stage.planted) {
    disk_.coin = [this] { return stage_.random.coin(); };
}

Disk::Path Store::log_directory(std::uint64_t generation) {
    return generation == 0 ? "/log" : "/log." + std::to_string(generation);
}

storage::LogOptions Store::log_options(std::uint64_t generation) {
    return {.directory = log_directory(generation),
            .segment_bytes = options_.segment_bytes,
            .identity = kIdentity + generation,
            .retain_bytes = options_.retain_bytes,
            .files = &files_};
}

CheckpointTwin& Store::twin_of(std::uint64_t generation) {
    auto& twin = twins_[generation];
    if (!twin) twin = std::make_unique<CheckpointTwin>(disk_, stage_.planted);
    return *twin;
}

// --- the machine -----------------------------------------------------------------------------------------------------

void Store::wipe() {
    disk_.become(Disk());
    twins_.clear();
}

void Store::take_image() {
    Image image{.disk = disk_.clone(), .twins = {}};
    for (const auto& [generation, twin] : twins_) image.twins[generation] = twin->stored();
    image_ = std::move(image);
}

void Store::put_image_back() {
    ZABD_ASSERT(image_.has_value());
    disk_.become(image_->disk);
    twins_.clear();
    for (const auto& [generation, images] : image_->twins) twin_of(generation).restore(images);
    image_.reset();
}

// --- a start ---------------------------------------------------------------------------------------------------------

Result<Store::Opened> Store::open() {
    install_ = {};
    // A start that was cut may have left no more than the beginning of the hard state.
    const bool fresh = std::ranges::none_of(
        disk_.paths(), [](const auto& path) { return path.native() != kHardStatePath.native() + ".tmp"; });
    const bool counted = !options_.member || stage_.planted.is(Bug::kAmnesiacCounted);
    const storage::StoredHardState initial{.has_history = counted, .secret = options_.secret};
    auto file = storage::HardStateFile::open(files_, kHardStatePath, fresh ? std::optional(initial) : std::nullopt);
    if (!file) return std::unexpected(file.error());
    hard_state_ = std::move(*file);
    generation_ = hard_state_->current().generation;
    if (auto removed = remove_other_generations(); !removed) return std::unexpected(removed.error());
    auto opened = open_generation();
    if (!opened && opened.error().code == Errc::kDamaged && options_.member) {
        const auto why = opened.error().where;
        if (auto aside = quarantine(); !aside) return std::unexpected(aside.error());
        quarantined_ = why;
        opened = open_generation();
    }
    if (opened) opened->quarantined = std::exchange(quarantined_, std::nullopt);
    return opened;
}

Result<Store::Opened> Store::open_generation() {
    if (stage_.planted.is(Bug::kTornTailAccepted)) accept_torn_tail(disk_, log_directory(generation_));
    auto& twin = twin_of(generation_);
    Opened opened{.checkpoint = twin.stored()};
    auto begin = restored(with_planted_bug(opened.checkpoint, stage_.planted));
    if (!begin) return std::unexpected(begin.error());
    opened.begin = std::move(*begin);
    const auto zxid = opened.checkpoint.summary.zxid;
    storage::LogScan scan;
    auto segments = storage::LogSegments::open(
        log_options(generation_), zxid, [&](storage::LogRecord record) { opened.records.push_back(std::move(record)); },
        scan);
    if (!segments) return std::unexpected(segments.error());
    log_ = std::make_unique<storage::LogWriter>(std::move(*segments));
    checkpoint_ = std::make_unique<storage::CheckpointWriter>(options_.checkpoint, twin, zxid);
    opened.torn_bytes = scan.torn_bytes;
    opened.begin.hard_state = hard_state();
    opened.begin.log_begin = scan.zxid_begin;
    for (const auto end : scan.epoch_ends)
        if (end <= zxid) opened.begin.epoch_ends.push_back(end);
    return opened;
}

Result<void> Store::quarantine() {
    auto state = hard_state_->current();
    state.has_history = stage_.planted.is(Bug::kAmnesiacCounted);
    if (auto saved = hard_state_->save(state); !saved) return saved;
    for (const auto& path : disk_.paths())
        if (path.parent_path() == log_directory(generation_)) disk_.take_away(path);
    twins_.erase(generation_);
    return {};
}

Result<void> Store::remove_other_generations() {
    for (const auto& path : disk_.paths()) {
        const auto directory = path.parent_path();
        if (path == kHardStatePath || directory == log_directory(generation_)) continue;
        if (auto removed = files_.remove(path); !removed) return removed;
        if (auto synced = files_.sync_directory(directory); !synced) return synced;
    }
    std::erase_if(twins_, [&](const auto& one) { return one.first != generation_; });
    return {};
}

void Store::close() {
    log_.reset();
    checkpoint_.reset();
    hard_state_.reset();
    pretended_.reset();
    install_ = {};
}

// --- hard state and install ------------------------------------------------------------------------------------------

Result<void> Store::save_stored(const storage::StoredHardState& state) {
    if (!stage_.planted.is(Bug::kHardStateNotDurable)) return hard_state_->save(state);
    pretended_ = state;
    return {};
}

Result<void> Store::save(const zab::HardState& state) {
    auto stored = current();
    stored.accepted_epoch = state.accepted_epoch;
    stored.current_epoch = state.current_epoch;
    stored.has_history = state.has_history;
    stored.secret = state.secret;
    stored.fuzzy_until = state.fuzzy_until;
    stored.provisional = state.provisional;
    stored.mixed_from = state.mixed_from;
    stored.mixed_until = state.mixed_until;
    return save_stored(stored);
}

void Store::put_install(wire::StateImages images, bool begins) {
    if (begins) install_ = {};
    install_.add(images);
}

Result<void> Store::install(Zxid zxid) {
    ZABD_ASSERT(install_.summary.zxid == zxid);
    const auto generation = generation_ + 1;
    auto state = current();
    state.generation = generation;
    const bool switches_first = stage_.planted.is(Bug::kInstallNotAtomic);
    if (switches_first) {
        if (auto saved = save_stored(state); !saved) return saved;
    }
    auto& twin = twin_of(generation);
    if (auto filled = twin.fill(install_); !filled) return filled;
    for (const auto& path : disk_.paths())
        if (path.parent_path() == log_directory(generation)) disk_.take_away(path);  // of an attempt that was cut
    auto segments = storage::LogSegments::create(log_options(generation), zxid);
    if (!segments) return std::unexpected(segments.error());
    if (!switches_first) {
        if (auto saved = save_stored(state); !saved) return saved;
    }
    generation_ = generation;
    log_ = std::make_unique<storage::LogWriter>(std::move(*segments));
    checkpoint_ = std::make_unique<storage::CheckpointWriter>(options_.checkpoint, twin, zxid);
    install_ = {};
    return remove_other_generations();
}

// --- out -------------------------------------------------------------------------------------------------------------

std::string Store::stream_of(const Images& images) {
    std::string stream;
    wire::SnapshotEncoder out(stream);
    out.begin_sessions(images.sessions.size());
    for (const auto& [id, timeout_ms] : images.sessions)
        out.add(wire::SnapshotSession{static_cast<SessionId>(id), std::abs(timeout_ms)});
    out.begin_acls(images.acls.size());
    for (const auto& [id, list] : images.acls) out.add(wire::SnapshotAcl{static_cast<std::int64_t>(id), list});
    std::map<NodeId, std::string> paths;
    for (const auto& [id, image] : images.nodes) {
        const auto& record = image.record;
        const bool root = record.parent == NodeId::kNone;
        const auto above = root ? std::string() : paths.at(record.parent);
        const auto path = root ? std::string("/") : (above == "/" ? "" : above) + "/" + record.name;
        paths[id] = path;
        out.add(wire::SnapshotNode{
            .path = path,
            .data = image.data,
            .acl = record.acl == wire::AclId::kOpen ? -1 : static_cast<std::int64_t>(record.acl),
            .czxid = record.czxid,
            .mzxid = record.mzxid,
            .ctime_ms = record.ctime_ms,
            .mtime_ms = record.mtime_ms,
            .version = record.version,
            .creations = record.creations,
            .aversion = record.aversion,
            .owner = record.owner,
            .pzxid = record.pzxid,
        });
    }
    out.end();
    return stream;
}

}  // namespace zabd::sim
