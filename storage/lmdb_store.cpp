#include "storage/lmdb_store.hpp"

#include "storage/lmdb_batch.hpp"
#include "storage/lmdb_damage_trap.hpp"
#include "storage/lmdb_environment.hpp"
#include "storage/lmdb_loading.hpp"
#include "storage/lmdb_snapshot.hpp"
#include "storage/lmdb_view.hpp"
#include "wire/assert.hpp"

#include <lmdb.h>

#include <algorithm>
#include <utility>

namespace zabd::storage {

namespace {

constexpr std::uint64_t kGrowthMin = 1 << 20;
constexpr std::uint64_t kGrowthMax = 256 << 20;
constexpr std::uint64_t kPageMemoryMax = 8 << 20;  // what LMDB may keep of a batch's pages
constexpr std::uint64_t kPagesOfAnyBatch = 64;     // paths to leaves, LMDB's own book-keeping

std::uint64_t stored_bytes(const wire::NodeImage& image) {
    constexpr std::uint64_t kRecordBytes = 128;  // without name and data
    constexpr std::uint64_t kDataBytes = 24;
    if (image.deleted) return 0;
    return kRecordBytes + image.record.name.size() + (image.data_changed ? kDataBytes + image.data.size() : 0);
}

}  // namespace

LmdbStore::LmdbStore(LmdbStoreOptions options, std::unique_ptr<LmdbEnvironment> environment)
    : options_(std::move(options)), environment_(std::move(environment)) {}
LmdbStore::~LmdbStore() = default;

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const LmdbStoreOptions& options, const CheckpointVisitor& visitor,
                                                   CheckpointSummary& summary) {
    LmdbDamageTrap trap(options.directory);
    auto environment = LmdbEnvironment::open(options.directory, options.bytes_initial);
    if (!environment) return std::unexpected(environment.error());
    trap.watch((*environment)->map());
    const auto loaded = load_checkpoint(**environment, options.identity, visitor);
    if (!loaded) return std::unexpected(loaded.error());
    (*environment)->release_pages();

    std::unique_ptr<LmdbStore> store(new LmdbStore(options, std::move(*environment)));
    store->meta_.identity = options.identity;
    if (*loaded) store->meta_ = **loaded;
    store->present_ = loaded->has_value();
    summary = {.zxid = store->meta_.zxid,
               .digest = store->meta_.digest,
               .node_count = store->meta_.node_count,
               .next_node = store->meta_.next_node,
               .highest_session = store->meta_.highest_session,
               .present = store->present_};
    return store;
}

Result<void> LmdbStore::commit(const CheckpointBatch& batch) {
    // LMDB spares the pages of the two newest states. So while the newest does not count yet, no third one may be made.
    if (written_) {
        ZABD_ASSERT(meta_.zxid == batch.zxid);
    } else if (auto written = write(batch); !written) {
        return written;
    }
    written_ = true;
    if (auto durable = environment_->make_durable([this] { between_slices(); }); !durable) return durable;
    written_ = false;
    environment_->release_pages();
    return {};
}

Result<void> LmdbStore::write(const CheckpointBatch& batch) {
    const auto page_bytes = make_room(batch);
    if (!page_bytes) return std::unexpected(page_bytes.error());
    for (;;) {
        const auto committed = try_commit(batch);
        if (!committed) return std::unexpected(committed.error());
        if (*committed) break;
        if (auto grown = grow(0); !grown) return grown;
    }
    // Before syncing, which takes long: what LMDB keeps of the batch's pages is the larger part of its memory.
    if (*page_bytes <= kPageMemoryMax || viewed()) return {};
    return environment_->reopen();
}

/// A view is pinned by the environment as it is open now.
bool LmdbStore::viewed() {
    std::erase_if(views_, [](const auto& view) { return view.expired(); });
    return !views_.empty();
}

void LmdbStore::between_slices() {
    environment_->release_pages();
    if (pause_) pause_();
}

/// False: the map is full, and nothing has changed.
Result<bool> LmdbStore::try_commit(const CheckpointBatch& batch) {
    auto transaction = environment_->begin(LmdbEnvironment::Access::kWrite);
    if (!transaction) return std::unexpected(transaction.error());
    auto meta = meta_;
    int code = write_batch(
        *environment_, transaction->get(), batch, [this] { between_slices(); }, meta);
    if (code == MDB_SUCCESS) code = LmdbEnvironment::commit(std::move(*transaction));
    if (code == MDB_MAP_FULL) return false;
    if (code != MDB_SUCCESS) {
        auto error = environment_->error_of(code, "write a batch");
        error.code = Errc::kIo;  // a full disk too: extending is where it may be met, here it is too late
        return std::unexpected(error);
    }
    meta_ = meta;
    present_ = true;
    return true;
}

/// A batch for which the map turns out too small has to be written anew, so it is extended before, by what it may take.
/// Says how much that is.
Result<std::uint64_t> LmdbStore::make_room(const CheckpointBatch& batch) {
    std::uint64_t new_bytes = 0;
    std::uint64_t changed = 0;
    for (const auto* image : batch.nodes) {
        new_bytes += stored_bytes(*image);
        if (image->record.id < meta_.next_node) ++changed;
    }
    for (const auto& acl : batch.acls) new_bytes += acl.encoded_list ? acl.encoded_list->size() : 0;

    std::uint64_t bytes = 0;
    std::uint64_t missing = 0;
    {
        const auto transaction = environment_->begin(LmdbEnvironment::Access::kRead);
        if (!transaction) return std::unexpected(transaction.error());
        const auto space = environment_->space(transaction->get());
        if (!space) return std::unexpected(space.error());
        std::uint64_t pages = kPagesOfAnyBatch + new_bytes * 9 / 8 / space->page_bytes;
        for (const auto database : {Database::kNodes, Database::kData, Database::kSessions, Database::kAcls}) {
            const auto in_use = environment_->pages(transaction->get(), database);
            if (!in_use) return std::unexpected(in_use.error());
            pages += std::min(changed + batch.sessions.size() + batch.acls.size(), *in_use);
        }
        bytes = pages * space->page_bytes;
        missing = (pages - std::min(pages, space->pages_unused)) * space->page_bytes;
    }
    if (missing != 0) {
        if (auto grown = grow(missing); !grown) return std::unexpected(grown.error());
    }
    return bytes;
}

Result<void> LmdbStore::grow(std::uint64_t bytes_more) {
    const auto wanted = environment_->file_bytes() + std::max(bytes_more, growth_bytes());
    const auto target = (wanted + kGrowthMin - 1) / kGrowthMin * kGrowthMin;
    return environment_->extend(target);
}

std::uint64_t LmdbStore::growth_bytes() const {
    return std::clamp(environment_->file_bytes() / 2, kGrowthMin, kGrowthMax);
}

std::uint64_t LmdbStore::size_bytes() const { return environment_->file_bytes(); }

Result<std::unique_ptr<SnapshotSource>> LmdbStore::open_snapshot(Instant now) {
    if (!present_) return nullptr;
    auto view = LmdbView::open(environment_, now);
    if (!view) return std::unexpected(view.error());
    views_.emplace_back(*view);
    return snapshot_of(std::move(*view), meta_);
}

void LmdbStore::end_idle_snapshots(Instant now) {
    for (const auto& view : views_) {
        if (const auto open = view.lock()) open->end_if_idle(now);
    }
}

Result<std::optional<std::uint64_t>> LmdbStore::oldest_reader_lag() { return environment_->oldest_reader_lag(); }

}  // namespace zabd::storage
