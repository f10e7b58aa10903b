// Transaction logs in ZooKeeper's form.
//
//   "ZKLG", version 2, database (8 bytes, any)           header, 16 bytes
//   records, one behind the other:
//     Adler-32 of the payload (8 bytes), its length (4), the payload, 'B'
//   zero bytes, as far as the file was set aside ahead
//
// Payload   the header of a transaction, its record, and perhaps a digest (wire/zookeeper_txn.hpp).
// Tail      what was being written when the power went was acknowledged to nobody. It is told from damage as ZooKeeper
//           tells it: a record that is cut off, or does not have its 'B'. A whole one with a wrong checksum is damage.
// Errors    Errc::kDamaged with the file and the byte; those of the visitor, with the record's place.
// Bounds    one record, at most kLogRecordBytesMax; of a length no more is believed than the file has.
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::storage {

inline constexpr std::size_t kLogRecordBytesMax = 64 << 20;

/// Where reading ended before the file did, if what is there is not just what was set aside.
struct TornTail {
    std::uint64_t offset = 0;
    std::string why;
};

/// Tells each payload in order; it is good during the call.
Result<std::optional<TornTail>> read_zookeeper_log(const std::filesystem::path& path,
                                                   const std::function<Result<void>(std::string_view)>& visit);

class File;

class ZookeeperLogWriter {
public:
    static Result<std::unique_ptr<ZookeeperLogWriter>> create(const std::filesystem::path& path);
    ~ZookeeperLogWriter();

    Result<void> add(std::string_view payload);
    /// Durable on return, but for the directory.
    Result<void> finish();

private:
    explicit ZookeeperLogWriter(std::unique_ptr<File> file);
    Result<void> write_kept();

    std::unique_ptr<File> file_;
    std::uint64_t position_ = 0;
    std::string kept_;  // to be written
};

}  // namespace zabd::storage
