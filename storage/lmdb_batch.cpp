#include "storage/lmdb_batch.hpp"

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::storage {

namespace {

constexpr unsigned kPutsPerSlice = 512;

MDB_val borrowed(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

std::uint64_t unsigned_id(SessionId session) { return static_cast<std::uint64_t>(session); }

/// Remembers the first failure; nothing is done from then on.
class Batch {
public:
    Batch(const LmdbEnvironment& environment, MDB_txn* transaction, const std::function<void()>& between_slices,
          CheckpointMeta& meta)
        : environment_(environment), transaction_(transaction), between_slices_(between_slices), meta_(meta) {
        for (std::size_t n = 0; n < tables_.size(); ++n) open(tables_[n], static_cast<Database>(n));
    }

    /// Table by table in the order of the keys, so that a cursor mostly stays on its page.
    int write(const CheckpointBatch& batch) {
        for (const auto* image : batch.nodes) write_node(*image);
        for (const auto* image : batch.nodes) write_data(*image);
        for (const auto& image : batch.sessions) write_session(image);
        for (const auto& image : batch.acls) write_acl(image);
        write_meta(batch);
        return code_;
    }

private:
    struct Table {
        Database database{};
        LmdbCursor cursor;
        std::uint64_t last_id = 0;  // nothing is stored above
    };

    void open(Table& table, Database database) {
        table.database = database;
        auto cursor = environment_.cursor(transaction_, database);
        if (!cursor) return fail(MDB_BAD_TXN);
        table.cursor = std::move(*cursor);
        MDB_val key{};
        MDB_val value{};
        const int code = mdb_cursor_get(table.cursor.get(), &key, &value, MDB_LAST);
        if (code == MDB_SUCCESS) table.last_id = decode_key(view_of(key)).value_or(0);
        if (code != MDB_NOTFOUND) fail(code);
    }

    void write_node(const wire::NodeImage& image) {
        const auto id = std::to_underlying(image.record.id);
        if (image.deleted) return erase(table(Database::kNodes), id);
        encode_node(image.record, content_);
        put(table(Database::kNodes), id, content_);
    }

    void write_data(const wire::NodeImage& image) {
        const auto id = std::to_underlying(image.record.id);
        if (image.deleted || (image.data_changed && image.data.null())) return erase(table(Database::kData), id);
        if (image.data_changed) put(table(Database::kData), id, image.data.view());
    }

    void write_session(const wire::SessionImage& image) {
        const auto id = unsigned_id(image.session);
        if (unsigned_id(meta_.highest_session) < id) meta_.highest_session = image.session;
        if (!image.timeout_ms) return erase(table(Database::kSessions), id);
        encode_timeout(*image.timeout_ms, content_);
        put(table(Database::kSessions), id, content_);
    }

    void write_acl(const wire::AclImage& image) {
        const auto id = std::to_underlying(image.id);
        if (!image.encoded_list) return erase(table(Database::kAcls), id);
        put(table(Database::kAcls), id, *image.encoded_list);
    }

    void write_meta(const CheckpointBatch& batch) {
        meta_.zxid = batch.zxid;
        meta_.digest = batch.digest;
        meta_.next_node = batch.next_node;
        meta_.node_count = count(Database::kNodes);
        meta_.data_count = count(Database::kData);
        meta_.session_count = count(Database::kSessions);
        meta_.acl_count = count(Database::kAcls);
        encode_meta(meta_, content_);
        seal(Database::kMeta, kMetaKey, content_, value_);
        store(table(Database::kMeta), kMetaKey, 0);
    }

    void put(Table& table, std::uint64_t id, std::string_view content) {
        const auto key = encode_key(id);
        const bool beyond = id > table.last_id;
        const bool there = !beyond && forget(table, id, key);
        seal(table.database, key, content, value_);
        meta_.content_sum += weight_of(table.database, id, value_);
        // Beyond all that is stored there is no need to search, and pages are filled to the brim.
        store(table, key, beyond ? MDB_APPEND : there ? MDB_CURRENT : 0);
        if (beyond) table.last_id = id;
        if (++puts_ % kPutsPerSlice == 0) between_slices_();
    }

    void store(Table& table, std::string_view key, unsigned flags) {
        if (code_ != MDB_SUCCESS) return;
        auto borrowed_key = borrowed(key);
        auto borrowed_value = borrowed(value_);
        fail(mdb_cursor_put(table.cursor.get(), &borrowed_key, &borrowed_value, flags));
    }

    void erase(Table& table, std::uint64_t id) {
        // Made and deleted between two batches, it was never stored.
        if (id > table.last_id || !forget(table, id, encode_key(id))) return;
        fail(mdb_cursor_del(table.cursor.get(), 0));
        if (++puts_ % kPutsPerSlice == 0) between_slices_();
    }

    /// Takes what is stored under the key out of the sum; the cursor then stands on it. False if there is nothing.
    bool forget(Table& table, std::uint64_t id, std::string_view key) {
        if (code_ != MDB_SUCCESS) return false;
        auto borrowed_key = borrowed(key);
        MDB_val value{};
        const int code = mdb_cursor_get(table.cursor.get(), &borrowed_key, &value, MDB_SET);
        if (code == MDB_NOTFOUND) return false;
        fail(code);
        if (code == MDB_SUCCESS) meta_.content_sum -= weight_of(table.database, id, view_of(value));
        return code == MDB_SUCCESS;
    }

    std::uint64_t count(Database database) {
        if (code_ != MDB_SUCCESS) return 0;
        const auto entries = environment_.entries(transaction_, database);
        if (!entries) fail(MDB_BAD_TXN);
        return entries.value_or(0);
    }

    Table& table(Database database) { return tables_[static_cast<std::size_t>(database)]; }
    void fail(int code) {
        if (code_ == MDB_SUCCESS) code_ = code;
    }

    const LmdbEnvironment& environment_;
    MDB_txn* transaction_;
    const std::function<void()>& between_slices_;
    CheckpointMeta& meta_;
    std::array<Table, kDatabaseNames.size()> tables_;
    int code_ = MDB_SUCCESS;
    std::uint64_t puts_ = 0;
    std::string content_;
    std::string value_;
};

}  // namespace

int write_batch(const LmdbEnvironment& environment, MDB_txn* transaction, const CheckpointBatch& batch,
                const std::function<void()>& between_slices, CheckpointMeta& meta) {
    return Batch(environment, transaction, between_slices, meta).write(batch);
}

}  // namespace zabd::storage
