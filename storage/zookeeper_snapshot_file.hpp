// Snapshot files in ZooKeeper's form: header, sessions, ACL lists, nodes, then checksums of all that is before them.
//
//   "ZKSN", version 2, -1                                  header, 16 bytes
//   wire/snapshot_stream.hpp, without its signature
//   Adler-32 (8 bytes), "/"                                seal of all before it
//   zxid, 2, digest of the tree at that zxid (20 bytes)    since 3.6
//   Adler-32, "/"
//   zxid (8 bytes)                                         since 3.9
//   Adler-32, "/"
//
// Place     what comes behind the first seal is told by how much of it there is. Numbers are big-endian.
// Errors    Errc::kDamaged with the file and the byte, which of a compressed file is counted in its content.
// Bounds    nothing is kept but the element that is being read (kElementBytesMax).
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"
#include "wire/snapshot_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::storage {

struct TreeDigest {
    Zxid zxid;
    std::uint64_t value = 0;
    friend bool operator==(const TreeDigest&, const TreeDigest&) = default;
};

inline constexpr std::size_t kSnapshotElementBytesMax = 64 << 20;

/// What ZooKeeper looks at before it considers a file at all: first bytes of a compressed one, last bytes of a plain one.
Result<bool> looks_whole(const std::filesystem::path& snapshot);

/// Tells the elements in order, and answers with the digest if there is one. What was told counts only then.
Result<std::optional<TreeDigest>> read_zookeeper_snapshot(
    const std::filesystem::path& path, const std::function<Result<void>(wire::SnapshotElement&&)>& visit);

class File;

/// Writes a plain one. Nothing is a snapshot before finish().
class ZookeeperSnapshotWriter {
public:
    static Result<std::unique_ptr<ZookeeperSnapshotWriter>> create(const std::filesystem::path& path);
    ~ZookeeperSnapshotWriter();

    /// The next bytes of the stream, up to the mark behind the nodes (SnapshotEncoder::end_nodes()).
    Result<void> add(std::string_view bytes);
    /// Durable on return, but for the directory.
    Result<void> finish(const TreeDigest& digest);

private:
    explicit ZookeeperSnapshotWriter(std::unique_ptr<File> file);
    Result<void> seal();

    std::unique_ptr<File> file_;
    std::uint64_t position_ = 0;
    std::uint32_t checksum_ = 1;
};

}  // namespace zabd::storage
