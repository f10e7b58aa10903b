// Any bytes as a snapshot or a log of ZooKeeper's: refused, or read; never more.
// The first byte chooses: a snapshot as it is, compressed in either way, or with its checksums made right; a log as it is,
// or cut into records with theirs.
#include "storage/zookeeper_directory.hpp"
#include "storage/zookeeper_log_file.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"
#include "wire/zookeeper_txn.hpp"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace {

using namespace zabd;
using namespace zabd::storage;
namespace fs = std::filesystem;

/// In memory, where the machine has that.
const fs::path& directory() {
    static const fs::path made = [] {
        std::string pattern = (fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/zabd-fuzz-XXXXXX");
        ZABD_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        static const std::string path = pattern;
        std::atexit([] { fs::remove_all(path); });
        return fs::path(path);
    }();
    return made;
}

fs::path put(const std::string& name, std::string_view content) {
    auto path = directory() / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
}

void read_snapshot(const fs::path& path) {
    (void)looks_whole(path);
    std::size_t elements = 0;
    const auto read =
        read_zookeeper_snapshot(path, [&](wire::SnapshotElement&&) { return ++elements, Result<void>(); });
    if (!read) ZABD_ASSERT(read.error().code == Errc::kDamaged && !read.error().where.empty());
}

/// Whatever the stream is, its checksums are right; a whole one is then read as the elements that it has.
void read_sealed_snapshot(std::string_view stream) {
    const auto path = directory() / "snapshot.2";
    {
        auto writer = ZookeeperSnapshotWriter::create(path);
        ZABD_ASSERT(writer && (*writer)->add(stream) && (*writer)->finish({Zxid{2}, 7}));
    }
    wire::SnapshotDecoder decoder(kSnapshotElementBytesMax, wire::SnapshotEnd::kNodes);
    std::vector<wire::SnapshotElement> expected;
    const bool whole = decoder.feed(stream, expected) == stream.size() && decoder.finished();
    std::size_t elements = 0;
    const auto read =
        read_zookeeper_snapshot(path, [&](wire::SnapshotElement&&) { return ++elements, Result<void>(); });
    if (whole) ZABD_ASSERT(read && *read == TreeDigest(Zxid{2}, 7) && elements == expected.size());
}

void read_log(const fs::path& path) {
    const auto read = read_zookeeper_log(path, [](std::string_view payload) {
        (void)wire::read_zookeeper_txn(payload);
        return Result<void>();
    });
    if (!read) ZABD_ASSERT(read.error().code == Errc::kDamaged && !read.error().where.empty());
}

/// What is written as a log reads as that log.
void read_written_log(fuzz::Input& input) {
    const auto path = directory() / "log.2";
    std::vector<std::string> payloads;
    {
        auto writer = ZookeeperLogWriter::create(path);
        ZABD_ASSERT(writer.has_value());
        while (!input.empty()) {
            const auto payload = input.short_text();
            if (payload.empty()) continue;
            payloads.emplace_back(payload);
            ZABD_ASSERT((*writer)->add(payload));
        }
        ZABD_ASSERT((*writer)->finish());
    }
    std::size_t seen = 0;
    const auto read = read_zookeeper_log(path, [&](std::string_view payload) {
        ZABD_ASSERT(payload == payloads.at(seen++));
        (void)wire::read_zookeeper_txn(payload);
        return Result<void>();
    });
    ZABD_ASSERT(read && !*read && seen == payloads.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    switch (input.below(6)) {
        case 0: read_snapshot(put("snapshot.1", input.rest())); break;
        case 1: read_snapshot(put("snapshot.1.gz", input.rest())); break;
        case 2: read_snapshot(put("snapshot.1.snappy", input.rest())); break;
        case 3: read_sealed_snapshot(input.rest()); break;
        case 4: read_log(put("log.1", input.rest())); break;
        default: read_written_log(input);
    }
    return 0;
}
