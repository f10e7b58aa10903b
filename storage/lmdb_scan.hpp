// Goes through one database of the checkpoint in the order of its keys, and checks each record before anything looks at it.
//
// Borrowing none: a record lies in the map only as long as its transaction and its place last, so it is taken out by
//           value, with read(). What would let a pointer into the map escape does not compile.
// Errors    Errc::kDamaged with the byte of the file at which the record lies.
#pragma once

#include "storage/checkpoint_format.hpp"
#include "storage/lmdb_environment.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace zabd::storage {

template <class T>
concept OwnsItsBytes = !std::is_reference_v<T> && !std::is_pointer_v<T> && !std::is_same_v<T, std::string_view> &&
                       !std::is_same_v<T, std::optional<std::string_view>>;

class LmdbScan {
public:
    /// Both outlive it.
    LmdbScan(const LmdbEnvironment& environment, MDB_txn* transaction, Database database)
        : environment_(environment), transaction_(transaction), database_(database) {}
    LmdbScan(const LmdbScan&) = delete;
    LmdbScan& operator=(const LmdbScan&) = delete;

    /// False at the end.
    Result<bool> next();

    // Of the record on which it stands.
    [[nodiscard]] std::uint64_t id() const { return id_; }
    template <class Take>
    [[nodiscard]] auto read(Take&& take) const requires OwnsItsBytes<std::invoke_result_t<Take, std::string_view>> {
        return take(content_);
    }
    [[nodiscard]] Error damage(std::string_view what) const;

    /// Of all records so far: weight_of().
    [[nodiscard]] std::uint64_t content_sum() const { return content_sum_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    Result<bool> check(std::string_view key, std::string_view value);

    const LmdbEnvironment& environment_;
    MDB_txn* transaction_;
    Database database_;
    LmdbCursor cursor_;
    std::uint64_t id_ = 0;
    std::string_view content_;
    const char* at_ = nullptr;  // where the value lies
    std::uint64_t content_sum_ = 0;
    std::uint64_t count_ = 0;
};

/// One record's content, checked; nullopt if there is none.
Result<std::optional<std::string>> read_record(const LmdbEnvironment& environment, MDB_txn* transaction,
                                               Database database, std::uint64_t id);

/// The record of Database::kMeta; nullopt if there is none.
Result<std::optional<CheckpointMeta>> read_meta(const LmdbEnvironment& environment, MDB_txn* transaction);

}  // namespace zabd::storage
