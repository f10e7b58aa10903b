#include "storage/lmdb_scan.hpp"

#include <lmdb.h>

#include <functional>

namespace zabd::storage {

namespace {

std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

std::string place_in(const LmdbEnvironment& environment, const char* at) {
    const auto map = environment.map();
    const bool inside = !std::less<>()(at, map.data()) && std::less<>()(at, map.data() + map.size());
    return inside ? " at byte " + std::to_string(at - map.data()) : "";
}

bool within(std::string_view map, std::string_view bytes) {
    const auto begin = reinterpret_cast<std::uintptr_t>(map.data());
    const auto at = reinterpret_cast<std::uintptr_t>(bytes.data());
    return at >= begin && at - begin <= map.size() && bytes.size() <= map.size() - (at - begin);
}

}  // namespace

Result<bool> LmdbScan::next() {
    if (!cursor_) {
        auto opened = environment_.cursor(transaction_, database_);
        if (!opened) return std::unexpected(opened.error());
        cursor_ = std::move(*opened);
    }
    MDB_val key{};
    MDB_val value{};
    const int code = mdb_cursor_get(cursor_.get(), &key, &value, MDB_NEXT);
    if (code == MDB_NOTFOUND) return false;
    if (auto got = environment_.checked(code, "read"); !got) return std::unexpected(got.error());
    return check(view_of(key), view_of(value));
}

Result<bool> LmdbScan::check(std::string_view key, std::string_view value) {
    at_ = value.data();
    if (!within(environment_.map(), key) || !within(environment_.map(), value))
        return std::unexpected(damage("a record leaves the file"));
    const auto id = decode_key(key);
    if (!id) return std::unexpected(damage("a key does not read"));
    const auto content = unsealed(database_, key, value);
    if (!content) return std::unexpected(damage("the record of id " + std::to_string(*id) + " fails its checksum"));
    if (count_ != 0 && *id <= id_) return std::unexpected(damage("the keys are out of order"));
    id_ = *id;
    content_ = *content;
    content_sum_ += weight_of(database_, *id, value);
    ++count_;
    return true;
}

Error LmdbScan::damage(std::string_view what) const {
    return checkpoint_damage(environment_.directory(), "database " + std::string(name_of(database_)) +
                                                           place_in(environment_, at_) + ": " + std::string(what));
}

Result<std::optional<std::string>> read_record(const LmdbEnvironment& environment, MDB_txn* transaction,
                                               Database database, std::uint64_t id) {
    const auto encoded = encode_key(id);
    MDB_val key{encoded.size(), const_cast<char*>(encoded.data())};
    MDB_val value{};
    const int code = mdb_get(transaction, environment.handle(database), &key, &value);
    if (code == MDB_NOTFOUND) return std::nullopt;
    if (auto got = environment.checked(code, "read"); !got) return std::unexpected(got.error());
    const auto content =
        within(environment.map(), view_of(value)) ? unsealed(database, encoded, view_of(value)) : std::nullopt;
    if (content) return std::string(*content);
    return std::unexpected(checkpoint_damage(environment.directory(),
                                             "database " + std::string(name_of(database)) +
                                                 place_in(environment, static_cast<const char*>(value.mv_data)) +
                                                 ": the record of id " + std::to_string(id) + " fails its checksum"));
}

Result<std::optional<CheckpointMeta>> read_meta(const LmdbEnvironment& environment, MDB_txn* transaction) {
    MDB_val key{kMetaKey.size(), const_cast<char*>(kMetaKey.data())};
    MDB_val value{};
    const int code = mdb_get(transaction, environment.handle(Database::kMeta), &key, &value);
    if (code == MDB_NOTFOUND) return std::nullopt;
    if (auto got = environment.checked(code, "read"); !got) return std::unexpected(got.error());
    const auto content =
        within(environment.map(), view_of(value)) ? unsealed(Database::kMeta, kMetaKey, view_of(value)) : std::nullopt;
    const auto* at = static_cast<const char*>(value.mv_data);
    if (!content) {
        return std::unexpected(checkpoint_damage(
            environment.directory(), "its state record" + place_in(environment, at) + " fails its checksum"));
    }
    const auto meta = decode_meta(*content);
    if (!meta || meta->version != kCheckpointVersion) {
        return failure(Errc::kUnsupported, (environment.directory() / "data.mdb").string() +
                                               ": not the format of this zabd, which is " +
                                               std::to_string(kCheckpointVersion));
    }
    return meta;
}

}  // namespace zabd::storage
