#include "storage/checkpoint_store.hpp"

#include "storage/checkpoint_format.hpp"
#include "storage/file.hpp"
#include "wire/assert.hpp"

#include <lmdb.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace zabd::storage {

namespace fs = std::filesystem;

namespace {

constexpr unsigned kReadersMax = 64;
constexpr std::string_view kMetaKey = "state";

enum Database : std::size_t { kMeta, kNodes, kData, kSessions, kAcls, kDatabases };
constexpr std::array<const char*, kDatabases> kNames{"meta", "nodes", "data", "sessions", "acls"};

MDB_val borrowed(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

std::uint64_t unsigned_id(SessionId session) { return static_cast<std::uint64_t>(session); }

/// What a record adds to the sum over all of them, which tells a page that the disk forgot to write.
std::uint64_t weight_of(Database database, std::uint64_t id, std::string_view value) {
    std::uint64_t bits = id ^ (std::uint64_t{database} << 56);
    bits = (bits ^ (bits >> 32)) * 0x9e37'79b9'7f4a'7c15u;
    bits ^= checksum_of(value);
    bits = (bits ^ (bits >> 29)) * 0xbf58'476d'1ce4'e5b9u;
    return bits ^ (bits >> 32);
}

SessionId higher(SessionId a, SessionId b) { return unsigned_id(a) < unsigned_id(b) ? b : a; }

struct TransactionAborter {
    void operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
};
using Transaction = std::unique_ptr<MDB_txn, TransactionAborter>;

/// A rotten page may send LMDB anywhere. While one of these lives, that ends the process with a word about the checkpoint
/// instead of a bare signal. For the time of loading, when nothing else runs.
class DamageTrap {
public:
    explicit DamageTrap(const Error& error) {
        const auto text = "fatal: " + error.where + "\n";
        message_size_ = text.copy(message_, sizeof message_);
        struct sigaction action {};
        action.sa_handler = [](int) {
            (void)!::write(STDERR_FILENO, message_, message_size_);
            std::abort();
        };
        ::sigaction(SIGSEGV, &action, &before_[0]);
        ::sigaction(SIGBUS, &action, &before_[1]);
    }
    ~DamageTrap() {
        ::sigaction(SIGSEGV, &before_[0], nullptr);
        ::sigaction(SIGBUS, &before_[1], nullptr);
    }
    DamageTrap(const DamageTrap&) = delete;
    DamageTrap& operator=(const DamageTrap&) = delete;

private:
    // A signal handler may use nothing but what is there already.
    static inline char message_[1024];
    static inline std::size_t message_size_ = 0;
    std::array<struct sigaction, 2> before_{};
};

struct CursorCloser {
    void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using CursorHandle = std::unique_ptr<MDB_cursor, CursorCloser>;

}  // namespace

struct CheckpointStore::Environment {
    explicit Environment(const CheckpointOptions& given) : options(given) {}
    ~Environment() {
        if (handle) mdb_env_close(handle);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    [[nodiscard]] fs::path file() const { return options.directory / "data.mdb"; }

    [[nodiscard]] Error error_of(int code, std::string_view call) const {
        switch (code) {
            case MDB_INVALID:
            case MDB_CORRUPTED:
            case MDB_PAGE_NOTFOUND:
            case MDB_NOTFOUND:
            case MDB_VERSION_MISMATCH:
            case MDB_INCOMPATIBLE:
            case MDB_BAD_VALSIZE:
            case MDB_PANIC: return checkpoint_damage(options.directory, std::string(call) + ": " + mdb_strerror(code));
            default:
                if (code > 0) return system_error(code, file(), call);
                return {Errc::kIo, file().string() + ": cannot " + std::string(call) + ": " + mdb_strerror(code)};
        }
    }

    Result<void> checked(int code, std::string_view call) const {
        if (code == MDB_SUCCESS) return {};
        return std::unexpected(error_of(code, call));
    }

    Result<Transaction> begin(unsigned flags) const {
        MDB_txn* transaction = nullptr;
        if (auto begun = checked(mdb_txn_begin(handle, nullptr, flags, &transaction), "begin"); !begun)
            return std::unexpected(begun.error());
        return Transaction(transaction);
    }

    /// `call` ends the transaction whatever comes of it.
    Result<void> commit(Transaction transaction) const {
        return checked(mdb_txn_commit(transaction.release()), "commit");
    }

    [[nodiscard]] MDB_envinfo info() const {
        MDB_envinfo info{};
        (void)mdb_env_info(handle, &info);
        return info;
    }

    [[nodiscard]] struct stat file_status() const {
        mdb_filehandle_t descriptor = -1;
        struct stat status {};
        if (mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS) (void)::fstat(descriptor, &status);
        return status;
    }
    [[nodiscard]] std::uint64_t file_bytes() const { return static_cast<std::uint64_t>(file_status().st_size); }

    /// Where LMDB mapped the file, which it does not tell.
    [[nodiscard]] std::string_view map() const {
        const auto inode = file_status().st_ino;
        std::ifstream lines("/proc/self/maps");
        for (std::string line; std::getline(lines, line);) {
            void* begin = nullptr;
            void* end = nullptr;
            unsigned long long found = 0;
            const int fields = std::sscanf(line.c_str(), "%p-%p %*s %*s %*s %llu", &begin, &end, &found);
            if (fields != 3 || found != inode || !line.ends_with("/data.mdb")) continue;
            const auto* first = static_cast<const char*>(begin);
            return {first, static_cast<std::size_t>(static_cast<const char*>(end) - first)};
        }
        return {};
    }

    /// Pages of the map that were touched count as our memory until they are given back.
    void release_pages() const {
        const auto mapped = map();
        (void)::madvise(const_cast<char*>(mapped.data()), mapped.size(), MADV_DONTNEED);
    }

    Result<void> open();
    Result<void> cover_pages();
    Result<void> open_databases();
    Result<void> grow_map();

    CheckpointOptions options;
    MDB_env* handle = nullptr;
    std::array<MDB_dbi, kDatabases> databases{};
    CheckpointMeta meta;
};

Result<void> CheckpointStore::Environment::open() {
    const bool fresh = !fs::exists(file());
    if (auto made = checked(mdb_env_create(&handle), "create an environment"); !made) return made;
    (void)mdb_env_set_maxdbs(handle, kDatabases);
    (void)mdb_env_set_maxreaders(handle, kReadersMax);
    (void)mdb_env_set_assert(handle,
                             [](MDB_env*, const char* what) { fatal("checkpoint: LMDB: " + std::string(what)); });
    if (auto sized = checked(mdb_env_set_mapsize(handle, options.map_bytes_initial), "set the map's size"); !sized)
        return sized;
    if (auto opened = checked(mdb_env_open(handle, options.directory.c_str(), MDB_NOTLS, 0640), "open"); !opened)
        return opened;
    int dead = 0;
    (void)mdb_reader_check(handle, &dead);
    if (fresh) {
        if (auto synced = real_file_system().sync_directory(options.directory); !synced) return synced;
    }
    if (auto covered = cover_pages(); !covered) return covered;
    return open_databases();
}

/// A file cut short would end the process by SIGBUS when a page behind its end is read; zeros fail their checks instead.
/// That it is shorter than its pages is no proof of damage: LMDB never writes last pages that it took and freed at once.
Result<void> CheckpointStore::Environment::cover_pages() {
    MDB_stat stat{};
    (void)mdb_env_stat(handle, &stat);
    const auto bytes = (info().me_last_pgno + 1) * stat.ms_psize;
    mdb_filehandle_t descriptor = -1;
    (void)mdb_env_get_fd(handle, &descriptor);
    if (bytes > file_bytes() && ::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0)
        return std::unexpected(system_error(errno, file(), "extend"));
    return {};
}

Result<void> CheckpointStore::Environment::open_databases() {
    auto transaction = begin(0);
    if (!transaction) return std::unexpected(transaction.error());
    for (std::size_t n = 0; n < kDatabases; ++n) {
        const int code = mdb_dbi_open(transaction->get(), kNames[n], MDB_CREATE, &databases[n]);
        if (auto opened = checked(code, kNames[n]); !opened) return opened;
    }
    return commit(std::move(*transaction));
}

Result<void> CheckpointStore::Environment::grow_map() {
    constexpr std::uint64_t kGrain = 1 << 20;
    const auto bytes = (info().me_mapsize / 2 * 3 + kGrain) / kGrain * kGrain;
    return checked(mdb_env_set_mapsize(handle, bytes), "grow the map");
}

/// One scan: sessions and ACL lists, then nodes and their data side by side.
class CheckpointStore::Loading {
public:
    Loading(Environment& environment, const CheckpointVisitor& visitor)
        : environment_(environment), visitor_(visitor) {}

    Result<CheckpointSummary> run() {
        auto transaction = environment_.begin(MDB_RDONLY);
        if (!transaction) return std::unexpected(transaction.error());
        transaction_ = std::move(*transaction);
        readable_ = environment_.map().substr(0, environment_.file_bytes());
        const auto meta = load_meta();
        if (!meta) return std::unexpected(meta.error());
        if (!*meta) return CheckpointSummary{};
        environment_.meta = **meta;
        for (const auto load : {&Loading::load_sessions, &Loading::load_acls, &Loading::load_nodes}) {
            if (auto loaded = (this->*load)(); !loaded) return std::unexpected(loaded.error());
        }
        if (content_sum_ != (*meta)->content_sum) return damage("its records are not those of its last batch");
        return CheckpointSummary{.zxid = (*meta)->zxid,
                                 .digest = (*meta)->digest,
                                 .node_count = (*meta)->node_count,
                                 .next_node = (*meta)->next_node,
                                 .highest_session = (*meta)->highest_session,
                                 .present = true};
    }

private:
    struct Record {
        std::uint64_t id = 0;
        std::string_view content;  // good as long as the transaction
    };

    /// Goes through a database in the order of its keys, and checks each record before anything looks at it.
    class Cursor {
    public:
        Cursor(Loading& loading, Database database) : loading_(loading), database_(database) {}

        /// nullopt at the end.
        Result<std::optional<Record>> next() {
            if (!handle_) {
                MDB_cursor* cursor = nullptr;
                const auto dbi = loading_.environment_.databases[database_];
                const int code = mdb_cursor_open(loading_.transaction_.get(), dbi, &cursor);
                if (auto opened = loading_.environment_.checked(code, "open a cursor"); !opened)
                    return std::unexpected(opened.error());
                handle_.reset(cursor);
            }
            MDB_val key{};
            MDB_val value{};
            const int code = mdb_cursor_get(handle_.get(), &key, &value, MDB_NEXT);
            if (code == MDB_NOTFOUND) return std::nullopt;
            if (auto got = loading_.environment_.checked(code, "read"); !got) return std::unexpected(got.error());
            return checked(key, value);
        }

    private:
        Result<std::optional<Record>> checked(const MDB_val& key, const MDB_val& value) {
            if (!loading_.within_file(key) || !loading_.within_file(value)) return damage("a record leaves the file");
            const auto id = decode_key(view_of(key));
            if (!id) return damage("a key does not read");
            const auto content = unsealed(kNames[database_], view_of(key), view_of(value));
            if (!content) return damage("the record of id " + std::to_string(*id) + " fails its checksum");
            if (last_id_ && *id <= *last_id_) return damage("the keys are out of order");
            last_id_ = id;
            loading_.content_sum_ += weight_of(database_, *id, view_of(value));
            return Record{.id = *id, .content = *content};
        }

        [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
            return loading_.damage("database " + std::string(kNames[database_]) + ": " + what);
        }

        Loading& loading_;
        Database database_;
        CursorHandle handle_;
        std::optional<std::uint64_t> last_id_;
    };

    [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
        return std::unexpected(checkpoint_damage(environment_.options.directory, what));
    }

    [[nodiscard]] bool within_file(const MDB_val& value) const {
        const auto begin = reinterpret_cast<std::uintptr_t>(readable_.data());
        const auto at = reinterpret_cast<std::uintptr_t>(value.mv_data);
        return at >= begin && at - begin <= readable_.size() && value.mv_size <= readable_.size() - (at - begin);
    }

    Result<std::optional<CheckpointMeta>> load_meta() {
        auto key = borrowed(kMetaKey);
        MDB_val value{};
        const int code = mdb_get(transaction_.get(), environment_.databases[kMeta], &key, &value);
        if (code == MDB_NOTFOUND) return expect_empty();
        if (auto got = environment_.checked(code, "read"); !got) return std::unexpected(got.error());
        const auto content = within_file(value) ? unsealed(kNames[kMeta], kMetaKey, view_of(value)) : std::nullopt;
        if (!content) return damage("its state record fails its checksum");
        const auto meta = decode_meta(*content);
        if (!meta || meta->version != kCheckpointVersion) {
            return failure(Errc::kUnsupported, environment_.file().string() +
                                                   ": not the format of this zabd, which is " +
                                                   std::to_string(kCheckpointVersion));
        }
        if (meta->identity != environment_.options.identity) return damage("it belongs to another data directory");
        return meta;
    }

    /// Without a state record there was no batch yet.
    Result<std::optional<CheckpointMeta>> expect_empty() {
        for (const auto database : {kNodes, kData, kSessions, kAcls}) {
            MDB_stat stat{};
            const int code = mdb_stat(transaction_.get(), environment_.databases[database], &stat);
            if (auto got = environment_.checked(code, "read"); !got) return std::unexpected(got.error());
            if (stat.ms_entries != 0) return damage("its state record is missing");
        }
        return std::nullopt;
    }

    Result<void> expect_count(Database database, std::uint64_t count, std::uint64_t expected) {
        if (count == expected) return {};
        return damage("database " + std::string(kNames[database]) + " has " + std::to_string(count) + " records, not " +
                      std::to_string(expected));
    }

    Result<void> load_sessions() {
        Cursor cursor(*this, kSessions);
        for (std::uint64_t count = 0;; ++count) {
            const auto record = cursor.next();
            if (!record) return std::unexpected(record.error());
            if (!*record) return expect_count(kSessions, count, environment_.meta.session_count);
            const auto timeout_ms = decode_timeout((*record)->content);
            if (!timeout_ms) return damage("a session does not read");
            const wire::SessionImage session{.session = static_cast<SessionId>((*record)->id),
                                             .timeout_ms = timeout_ms};
            if (auto told = visitor_.on_session(session); !told) return told;
        }
    }

    Result<void> load_acls() {
        Cursor cursor(*this, kAcls);
        for (std::uint64_t count = 0;; ++count) {
            const auto record = cursor.next();
            if (!record) return std::unexpected(record.error());
            if (!*record) return expect_count(kAcls, count, environment_.meta.acl_count);
            const wire::AclImage acl{.id = static_cast<wire::AclId>((*record)->id),
                                     .encoded_list = std::string((*record)->content)};
            if (auto told = visitor_.on_acl(acl); !told) return told;
        }
    }

    Result<void> load_nodes() {
        Cursor nodes(*this, kNodes);
        Cursor data(*this, kData);
        std::uint64_t data_count = 0;
        auto next_data = data.next();
        for (std::uint64_t count = 0;; ++count) {
            const auto record = nodes.next();
            if (!record) return std::unexpected(record.error());
            if (!next_data) return std::unexpected(next_data.error());
            if (!*record) {
                if (*next_data) return damage("node " + std::to_string((*next_data)->id) + " has data, but is missing");
                if (auto right = expect_count(kNodes, count, environment_.meta.node_count); !right) return right;
                return expect_count(kData, data_count, environment_.meta.data_count);
            }
            const auto node = decode_node(static_cast<NodeId>((*record)->id), (*record)->content);
            if (!node) return damage("node " + std::to_string((*record)->id) + " does not read");
            Bytes bytes;
            if (*next_data && (*next_data)->id < (*record)->id)
                return damage("node " + std::to_string((*next_data)->id) + " has data, but is missing");
            if (*next_data && (*next_data)->id == (*record)->id) {
                bytes = Bytes::copy_of((*next_data)->content);
                next_data = data.next();
                ++data_count;
            }
            if (auto told = visitor_.on_node(*node, std::move(bytes)); !told) return told;
        }
    }

    Environment& environment_;
    const CheckpointVisitor& visitor_;
    Transaction transaction_;
    std::string_view readable_;  // what of the map is in the file
    std::uint64_t content_sum_ = 0;
};

/// The writing of one batch. Remembers the first failure; nothing is done from then on.
class CheckpointStore::Batch {
public:
    Batch(const Environment& environment, MDB_txn* transaction, CheckpointMeta& meta)
        : environment_(environment), transaction_(transaction), meta_(meta) {
        for (std::size_t n = 0; n < kDatabases; ++n) {
            MDB_cursor* cursor = nullptr;
            if (code_ == MDB_SUCCESS) code_ = mdb_cursor_open(transaction, environment.databases[n], &cursor);
            cursors_[n].reset(cursor);
        }
    }

    /// In the order of the keys, so that a cursor mostly stays on its page.
    int write(const PendingImages& images) {
        for (const auto& [id, node] : images.nodes()) write_node(id, node);
        for (const auto& [id, node] : images.nodes()) write_data(id, node);
        for (const auto& [session, timeout_ms] : images.sessions()) {
            meta_.highest_session = higher(meta_.highest_session, session);
            if (timeout_ms) {
                put(kSessions, unsigned_id(session), encode_timeout(*timeout_ms));
            } else {
                erase(kSessions, unsigned_id(session));
            }
        }
        for (const auto& [id, list] : images.acls()) {
            if (list) {
                put(kAcls, std::to_underlying(id), *list);
            } else {
                erase(kAcls, std::to_underlying(id));
            }
        }
        write_meta(images);
        return code_;
    }

private:
    void write_node(NodeId id, const PendingNode& node) {
        if (node.record) {
            put(kNodes, std::to_underlying(id), encode_node(*node.record));
        } else {
            erase(kNodes, std::to_underlying(id));
        }
    }

    void write_data(NodeId id, const PendingNode& node) {
        if (!node.record || (node.data && node.data->null())) {
            erase(kData, std::to_underlying(id));
        } else if (node.data) {
            put(kData, std::to_underlying(id), node.data->view());
        }
    }

    void write_meta(const PendingImages& images) {
        meta_.identity = environment_.options.identity;
        meta_.zxid = images.zxid();
        meta_.digest = images.digest();
        meta_.next_node = images.next_node();
        meta_.node_count = count(kNodes);
        meta_.data_count = count(kData);
        meta_.session_count = count(kSessions);
        meta_.acl_count = count(kAcls);
        const auto value = sealed(kNames[kMeta], kMetaKey, encode_meta(meta_));
        store(kMeta, kMetaKey, value);
    }

    void put(Database database, std::uint64_t id, std::string_view content) {
        const auto key = encode_key(id);
        forget(database, id, key);
        const auto value = sealed(kNames[database], key, content);
        meta_.content_sum += weight_of(database, id, value);
        store(database, key, value);
    }

    void store(Database database, std::string_view key, std::string_view value) {
        if (code_ != MDB_SUCCESS) return;
        auto borrowed_key = borrowed(key);
        auto borrowed_value = borrowed(value);
        code_ = mdb_cursor_put(cursors_[database].get(), &borrowed_key, &borrowed_value, 0);
    }

    void erase(Database database, std::uint64_t id) {
        // Made and deleted between two batches, it was never stored.
        if (forget(database, id, encode_key(id))) code_ = mdb_cursor_del(cursors_[database].get(), 0);
    }

    /// Takes what is stored under the key out of the sum; the cursor then stands on it. False if there is nothing.
    bool forget(Database database, std::uint64_t id, std::string_view key) {
        if (code_ != MDB_SUCCESS) return false;
        auto borrowed_key = borrowed(key);
        MDB_val value{};
        const int code = mdb_cursor_get(cursors_[database].get(), &borrowed_key, &value, MDB_SET);
        if (code == MDB_NOTFOUND) return false;
        if (code == MDB_SUCCESS) {
            meta_.content_sum -= weight_of(database, id, view_of(value));
            return true;
        }
        code_ = code;
        return false;
    }

    std::uint64_t count(Database database) {
        MDB_stat stat{};
        if (code_ == MDB_SUCCESS) code_ = mdb_stat(transaction_, environment_.databases[database], &stat);
        return stat.ms_entries;
    }

    const Environment& environment_;
    MDB_txn* transaction_;
    CheckpointMeta& meta_;
    std::array<CursorHandle, kDatabases> cursors_;
    int code_ = MDB_SUCCESS;
};

CheckpointStore::CheckpointStore(std::unique_ptr<Environment> environment) : environment_(std::move(environment)) {}
CheckpointStore::~CheckpointStore() = default;

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::open(const CheckpointOptions& options,
                                                               const CheckpointVisitor& visitor,
                                                               CheckpointSummary& summary) {
    auto environment = std::make_unique<Environment>(options);
    const DamageTrap trap(checkpoint_damage(options.directory, "LMDB cannot read it"));
    if (auto opened = environment->open(); !opened) return std::unexpected(opened.error());
    const auto loaded = Loading(*environment, visitor).run();
    if (!loaded) return std::unexpected(loaded.error());
    summary = *loaded;
    environment->release_pages();
    return std::unique_ptr<CheckpointStore>(new CheckpointStore(std::move(environment)));
}

Result<void> CheckpointStore::commit(const PendingImages& images) {
    for (;;) {
        auto transaction = environment_->begin(0);
        if (!transaction) return std::unexpected(transaction.error());
        auto meta = environment_->meta;
        int code = Batch(*environment_, transaction->get(), meta).write(images);
        if (code == MDB_SUCCESS) code = mdb_txn_commit(transaction->release());
        if (code == MDB_SUCCESS) {
            environment_->meta = meta;
            environment_->release_pages();
            return {};
        }
        if (code != MDB_MAP_FULL) return std::unexpected(environment_->error_of(code, "write a batch"));
        transaction->reset();  // the map may grow only while nothing is open
        if (auto grown = environment_->grow_map(); !grown) return grown;
    }
}

std::uint64_t CheckpointStore::size_bytes() const { return environment_->file_bytes(); }
std::uint64_t CheckpointStore::map_bytes() const { return environment_->info().me_mapsize; }

Error checkpoint_damage(const fs::path& directory, std::string_view what) {
    return {Errc::kDamaged, (directory / "data.mdb").string() + ": the checkpoint is damaged: " + std::string(what) +
                                ". Nothing was changed. Keep the file, and restore zabd/ from a backup"};
}

}  // namespace zabd::storage
