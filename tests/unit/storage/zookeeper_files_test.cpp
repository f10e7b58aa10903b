#include "storage/zookeeper_content.hpp"
#include "storage/zookeeper_directory.hpp"
#include "storage/zookeeper_log_file.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "temporary_directory.hpp"
#include "wire/big_endian.hpp"
#include "wire/jute.hpp"
#include "wire/zookeeper_txn.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <snappy-c.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

namespace {

namespace fs = std::filesystem;
using wire::OpCode;

const fs::path kArchive = ZABD_SOURCE_DIR "/tests/vectors/zookeeper-3.8-data";

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string big_endian(std::uint32_t number) {
    std::string bytes(4, '\0');
    store_big_endian(bytes.data(), number);
    return bytes;
}

std::string gzipped(std::string_view bytes) {
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(::deflateBound(&stream, bytes.size()), '\0');
    std::string in(bytes);
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

/// In blocks of the size, as the Java library frames them.
std::string snappied(std::string_view bytes, std::size_t block_bytes) {
    std::string out("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(block_bytes, bytes.size()))) {
        const auto block = bytes.substr(0, block_bytes);
        std::size_t size = ::snappy_max_compressed_length(block.size());
        std::string packed(size, '\0');
        REQUIRE(::snappy_compress(block.data(), block.size(), packed.data(), &size) == SNAPPY_OK);
        packed.resize(size);
        out += big_endian(static_cast<std::uint32_t>(size)) + packed;
    }
    return out;
}

struct Elements {
    std::vector<std::string> paths;
    std::size_t sessions = 0;
    std::size_t acls = 0;
    std::optional<TreeDigest> digest;
    friend bool operator==(const Elements&, const Elements&) = default;
};

Result<Elements> elements_of(const fs::path& path) {
    Elements elements;
    const auto digest = read_zookeeper_snapshot(path, [&](wire::SnapshotElement&& element) -> Result<void> {
        if (const auto* node = std::get_if<wire::SnapshotNode>(&element)) elements.paths.push_back(node->path);
        if (std::holds_alternative<wire::SnapshotSession>(element)) ++elements.sessions;
        if (std::holds_alternative<wire::SnapshotAcl>(element)) ++elements.acls;
        return {};
    });
    if (!digest) return std::unexpected(digest.error());
    elements.digest = *digest;
    return elements;
}

/// A file of a test, and what it reads as.
struct Scratch {
    TemporaryDirectory directory;

    fs::path put(const std::string& name, std::string_view content) const {
        const auto path = directory.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
};

std::vector<std::string> payloads_of(const fs::path& path) {
    std::vector<std::string> payloads;
    REQUIRE(read_zookeeper_log(path, [&](std::string_view payload) {
        payloads.emplace_back(payload);
        return Result<void>();
    }));
    return payloads;
}

std::uint32_t adler32_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(::adler32_z(1, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string sealed(std::string bytes) {
    const auto sum = adler32_of(bytes);
    return bytes + big_endian(0) + big_endian(sum) + big_endian(1) + "/";
}

constexpr std::size_t kDigestPartBytes = 20 + 13;

}  // namespace

// --- snapshots -------------------------------------------------------------------------------------------------------

TEST_CASE("a snapshot reads the same however it is compressed", "[storage][zookeeper]") {
    const auto plain = read(kArchive / "standalone/version-2/snapshot.31");
    const auto expected = elements_of(kArchive / "standalone/version-2/snapshot.31");
    REQUIRE(expected);
    CHECK(expected->sessions == 2);
    CHECK(expected->paths.front() == "/");
    REQUIRE(expected->digest);
    const Scratch scratch;
    const auto check = [&](const std::string& name, const std::string& content) {
        CAPTURE(name);
        const auto path = scratch.put(name, content);
        CHECK(looks_whole(path).value());
        const auto found = elements_of(path);
        REQUIRE(found);
        CHECK(*found == *expected);
    };
    check("snapshot.31", plain);
    check("snapshot.31.gz", gzipped(plain));
    check("snapshot.31.GZ", gzipped(plain));
    check("snapshot.31.snappy", snappied(plain, 32 << 10));
    check("snapshot.32.snappy", snappied(plain, 100));
    check("snapshot.31.other", plain);
}

TEST_CASE("what is behind the first checksum may be there or not", "[storage][zookeeper]") {
    const auto whole = read(kArchive / "standalone/version-2/snapshot.31");
    const auto before_digest = whole.substr(0, whole.size() - kDigestPartBytes);
    const Scratch scratch;
    const auto zxid = std::string(8, '\0');
    SECTION("3.5 ends there") {
        const auto found = elements_of(scratch.put("snapshot.31", before_digest));
        REQUIRE(found);
        CHECK_FALSE(found->digest);
    }
    SECTION("3.9 adds the last zxid") {
        const auto found = elements_of(scratch.put("snapshot.31", sealed(whole + zxid)));
        REQUIRE(found);
        CHECK(found->digest);
    }
    SECTION("3.9 without digests") {
        const auto found = elements_of(scratch.put("snapshot.31", sealed(before_digest + zxid)));
        REQUIRE(found);
        CHECK_FALSE(found->digest);
    }
    SECTION("a part that nobody knows") {
        const auto found = elements_of(scratch.put("snapshot.31", sealed(whole + "what")));
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::kDamaged);
    }
    SECTION("a digest that is not known is none") {
        const auto found = elements_of(kArchive / "standalone/version-2/snapshot.0");
        REQUIRE(found);
        CHECK_FALSE(found->digest);
    }
}

TEST_CASE("a snapshot in which any byte is wrong is refused with file and place", "[storage][zookeeper]") {
    const std::string name = GENERATE("snapshot.31", "snapshot.31.gz", "snapshot.31.snappy");
    const auto plain = read(kArchive / "ensemble-truncated/version-2/snapshot.200000003");
    auto bytes = plain;
    if (name.ends_with("gz")) bytes = gzipped(plain);
    if (name.ends_with("snappy")) bytes = snappied(plain, 300);
    const Scratch scratch;
    const auto expected = elements_of(scratch.put(name, bytes));
    REQUIRE(expected);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        CAPTURE(name, i);
        auto wrong = bytes;
        wrong[i] = static_cast<char>(wrong[i] ^ 0x41);
        const auto found = elements_of(scratch.put(name, wrong));
        if (found) {
            CHECK(*found == *expected);  // the same content packed otherwise, or what says nothing, as a time does
            CHECK(name != "snapshot.31");
        } else {
            CHECK(found.error().code == Errc::kDamaged);
            CHECK_THAT(found.error().where, Catch::Contains(name) && Catch::Contains("byte"));
        }
    }
}

TEST_CASE("a snapshot that is cut off anywhere is refused", "[storage][zookeeper]") {
    const std::string name = GENERATE("snapshot.31", "snapshot.31.gz", "snapshot.31.snappy");
    const auto plain = read(kArchive / "ensemble-truncated/version-2/snapshot.200000003");
    auto bytes = plain;
    if (name.ends_with("gz")) bytes = gzipped(plain);
    if (name.ends_with("snappy")) bytes = snappied(plain, 300);
    const Scratch scratch;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(name, size);
        const auto found = elements_of(scratch.put(name, bytes.substr(0, size)));
        if (found) {
            CHECK(name == "snapshot.31");
            CHECK(size == bytes.size() - kDigestPartBytes);  // as 3.5 wrote it
        } else {
            CHECK(found.error().code == Errc::kDamaged);
        }
    }
}

TEST_CASE("lengths that cannot be are not believed", "[storage][zookeeper]") {
    const Scratch scratch;
    const auto header = read(kArchive / "standalone/version-2/snapshot.0").substr(0, 16);
    const std::vector<std::pair<std::string, std::string>> files{
        {"snapshot.1", header + big_endian(0) + big_endian(0) + big_endian(0x7fffffff)},
        {"snapshot.2", header + big_endian(0x7fffffff)},
        {"snapshot.3", header + big_endian(0) + big_endian(1) + std::string(8, '\0') + big_endian(0x7fffffff)},
        {"snapshot.4.snappy", snappied("", 1) + big_endian(0x7fffffff)},
        {"snapshot.5.snappy", snappied("", 1) + big_endian(5) + "\xff\xff\xff\xff\x0f"},
    };
    for (const auto& [name, content] : files) {
        CAPTURE(name);
        const auto found = elements_of(scratch.put(name, content));
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::kDamaged);
    }
}

TEST_CASE("a snapshot's ending tells whether it was written to its end", "[storage][zookeeper]") {
    const auto whole = read(kArchive / "standalone/version-2/snapshot.0");
    const Scratch scratch;
    CHECK(looks_whole(scratch.put("snapshot.0", whole)).value());
    CHECK_FALSE(looks_whole(scratch.put("snapshot.1", whole.substr(0, whole.size() - 1))).value());
    CHECK_FALSE(looks_whole(scratch.put("snapshot.2", whole.substr(whole.size() - 5))).value());
    CHECK_FALSE(looks_whole(scratch.put("snapshot.3", "")).value());
    CHECK_FALSE(looks_whole(scratch.put("snapshot.4.gz", whole)).value());
    CHECK_FALSE(looks_whole(scratch.put("snapshot.5.snappy", whole)).value());
    CHECK_FALSE(looks_whole(scratch.directory.path() / "snapshot.6").has_value());
}

TEST_CASE("a visitor that refuses an element ends the reading", "[storage][zookeeper]") {
    const auto read = read_zookeeper_snapshot(
        kArchive / "standalone/version-2/snapshot.0",
        [](wire::SnapshotElement&&) -> Result<void> { return failure(Errc::kUnsupported, "not wanted"); });
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::kUnsupported);
    CHECK_THAT(read.error().where, Catch::Contains("snapshot.0: not wanted"));
}

TEST_CASE("a snapshot is written as ZooKeeper writes it, byte by byte", "[storage][zookeeper]") {
    const auto original = read(kArchive / "standalone/version-2/snapshot.31");
    const Scratch scratch;
    const auto path = scratch.directory.path() / "snapshot.31";
    const auto digest = elements_of(kArchive / "standalone/version-2/snapshot.31")->digest;
    const auto stream = original.substr(16, original.size() - 16 - 13 - kDigestPartBytes);
    auto writer = ZookeeperSnapshotWriter::create(path);
    REQUIRE(writer);
    REQUIRE((*writer)->add(std::string_view(stream).substr(0, 1000)));
    REQUIRE((*writer)->add(std::string_view(stream).substr(1000)));
    REQUIRE((*writer)->finish(*digest));
    CHECK(read(path) == original);
}

// --- logs ------------------------------------------------------------------------------------------------------------

TEST_CASE("each record of a log is found, with its digest", "[storage][zookeeper]") {
    const auto directories = nlohmann::json::parse(std::ifstream(kArchive.string() + ".json"))["directories"];
    for (const auto& [name, directory] : directories.items()) {
        std::map<std::string, std::vector<std::string>> payloads;
        for (const auto& expected : directory["txns"]) {
            const std::string file = expected["file"];
            CAPTURE(name, file, expected["offset"]);
            if (!payloads.contains(file)) payloads[file] = payloads_of(kArchive / name / "version-2" / file);
            REQUIRE_FALSE(payloads[file].empty());
            const auto txn = wire::read_zookeeper_txn(payloads[file].front());
            payloads[file].erase(payloads[file].begin());
            REQUIRE(txn);
            CHECK(txn->header.zxid.value == std::stoull(expected["zxid"].get<std::string>(), nullptr, 16));
            const auto type = expected["type"].get<std::int32_t>();
            CHECK(txn->header.type == (type == 16 ? OpCode::kSetData : OpCode{type}));
            const bool has_digest = expected.contains("digest") && !expected["digest"].is_null();
            CHECK(txn->digest.has_value() == has_digest);
            if (has_digest) CHECK(txn->digest == expected["digest"].get<std::uint64_t>());
        }
        for (const auto& [file, rest] : payloads) CHECK(rest.empty());
    }
}

TEST_CASE("a log that is cut off anywhere ends with its last whole record", "[storage][zookeeper]") {
    const auto path = kArchive / "ensemble-truncated/version-2/log.400000004";
    const auto whole = read(path);
    const auto payloads = payloads_of(path);
    const Scratch scratch;
    const auto end = whole.find_last_not_of('\0') + 1;
    std::size_t offset = 16;
    std::size_t records = 0;
    for (std::size_t size = 0; size <= end; ++size) {
        CAPTURE(size);
        if (size == offset + 12 + payloads.at(records).size() + 1) offset = size, ++records;
        std::size_t seen = 0;
        const auto tail =
            read_zookeeper_log(scratch.put("log.1", whole.substr(0, size)), [&](std::string_view payload) {
                CHECK(payload == payloads.at(seen++));
                return Result<void>();
            });
        if (size < 16) {
            REQUIRE_FALSE(tail);
            continue;
        }
        REQUIRE(tail);
        CHECK(seen == records);
        CHECK(tail->has_value() ==
              (size != offset && whole.substr(offset, size - offset).find_first_not_of('\0') != std::string::npos));
        if (*tail) CHECK((*tail)->offset == offset);
        if (records == payloads.size()) break;
    }
    CHECK(records == payloads.size());
}

TEST_CASE("a record that a crash tore in a file set aside is a torn end", "[storage][zookeeper]") {
    const auto whole = read(kArchive / "ensemble-truncated/version-2/log.400000004");
    const auto end = whole.find_last_not_of('\0') + 1;
    const Scratch scratch;
    const auto read_with = [&](const std::string& bytes) {
        return read_zookeeper_log(scratch.put("log.1", bytes), [](std::string_view) { return Result<void>(); });
    };
    SECTION("its end is not there yet") {
        auto bytes = whole;
        bytes[end - 1] = '\0';
        const auto tail = read_with(bytes);
        REQUIRE(tail);
        CHECK(tail->has_value());
    }
    SECTION("a later one is there, but not its page") {
        auto bytes = whole;
        bytes[end + 5000] = 'x';
        const auto tail = read_with(bytes);
        REQUIRE(tail);
        REQUIRE(tail->has_value());
        CHECK((*tail)->offset == end);
    }
    SECTION("nothing of it is") {
        const auto tail = read_with(whole);
        REQUIRE(tail);
        CHECK_FALSE(tail->has_value());
    }
}

TEST_CASE("a record's length that cannot be is damage", "[storage][zookeeper]") {
    const Scratch scratch;
    const auto header = read(kArchive / "standalone/version-2/log.1").substr(0, 16);
    for (const auto length : {0xffffffffu, 0x80000000u, 0x7fffffffu}) {
        CAPTURE(length);
        const auto path = scratch.put("log.1", header + std::string(8, '\1') + big_endian(length) + "rest");
        const auto tail = read_zookeeper_log(path, [](std::string_view) { return Result<void>(); });
        REQUIRE_FALSE(tail);
        CHECK_THAT(tail.error().where, Catch::Contains("log.1") && Catch::Contains("at byte 16"));
    }
}

TEST_CASE("a log is written as ZooKeeper writes it, but for what it sets aside", "[storage][zookeeper]") {
    const auto path = kArchive / "standalone/version-2/log.32";
    const auto original = read(path);
    const Scratch scratch;
    auto writer = ZookeeperLogWriter::create(scratch.directory.path() / "log.32");
    REQUIRE(writer);
    for (const auto& payload : payloads_of(path)) REQUIRE((*writer)->add(payload));
    REQUIRE((*writer)->finish());
    CHECK(read(scratch.directory.path() / "log.32") == original.substr(0, original.find_last_not_of('\0') + 1));
}

// --- transactions ----------------------------------------------------------------------------------------------------

TEST_CASE("short forms of older releases are completed", "[storage][zookeeper]") {
    const auto txn_of = [](OpCode type, const std::string& record) {
        return wire::read_zookeeper_txn(
            wire::encoded(wire::TxnHeader{.session = SessionId{7}, .zxid = Zxid{1}, .type = type}) + record);
    };
    const auto digest = big_endian(2) + big_endian(0) + big_endian(77);
    SECTION("the end of a session, without what it deletes") {
        const auto txn = txn_of(OpCode::kCloseSession, "");
        REQUIRE(txn);
        CHECK(wire::decoded<wire::CloseSessionTxn>(txn->body)->ephemerals.empty());
        CHECK_FALSE(txn->digest);
    }
    SECTION("the same with a digest") {
        const auto txn = txn_of(OpCode::kCloseSession, digest);
        REQUIRE(txn);
        CHECK(wire::decoded<wire::CloseSessionTxn>(txn->body)->ephemerals.empty());
        CHECK(txn->digest == 77u);
    }
    SECTION("with what it deletes") {
        const auto txn = txn_of(OpCode::kCloseSession, wire::encoded(wire::CloseSessionTxn{{"/a", "/b"}}) + digest);
        REQUIRE(txn);
        CHECK(wire::decoded<wire::CloseSessionTxn>(txn->body)->ephemerals == std::vector<wire::Text>{"/a", "/b"});
        CHECK(txn->digest == 77u);
    }
    SECTION("a create without its parent's count") {
        auto record = wire::encoded(wire::CreateTxn{"/a", "x", {}, true, 5});
        record.resize(record.size() - 4);
        const auto txn = txn_of(OpCode::kCreate, record);
        REQUIRE(txn);
        CHECK(wire::decoded<wire::CreateTxn>(txn->body)->parent_creations == -1);
    }
    SECTION("a reconfiguration is a setData") {
        const auto txn =
            txn_of(OpCode::kReconfig, wire::encoded(wire::SetDataTxn{"/zookeeper/config", "x", 3}) + digest);
        REQUIRE(txn);
        CHECK(txn->header.type == OpCode::kSetData);
        CHECK(txn->digest == 77u);
    }
    SECTION("a type that nobody knows, and a record that is cut off") {
        CHECK_FALSE(txn_of(OpCode{77}, "12345678"));
        CHECK_FALSE(txn_of(OpCode::kDelete, "\1"));
        CHECK_FALSE(wire::read_zookeeper_txn("short"));
    }
}

// --- directories -----------------------------------------------------------------------------------------------------

TEST_CASE("names say what a file is", "[storage][zookeeper]") {
    CHECK(zxid_of_name("snapshot", "snapshot.1f") == Zxid{0x1f});
    CHECK(zxid_of_name("snapshot", "snapshot.400000003.gz") == Zxid{0x400000003});
    CHECK(zxid_of_name("log", "log.ffffffffffffffff") == kZxidUnknown);
    for (const auto* name : {"snapshot", "snapshot.", "snapshot.31.tmp", "snapshots.31", "snapshot.g", "log.31",
                             "snapshot.-1", "snapshot.1ffffffffffffffff"}) {
        CAPTURE(name);
        CHECK_FALSE(zxid_of_name("snapshot", name));
    }
    CHECK(name_of_file("log", Zxid{0x400000001}) == "log.400000001");
    CHECK(name_of_file("snapshot", Zxid{}) == "snapshot.0");
}

TEST_CASE("a directory is listed in the order in which its files count", "[storage][zookeeper]") {
    const auto found = list_zookeeper_directory(kArchive / "ensemble-truncated", {});
    REQUIRE(found);
    std::vector<Zxid> zxids;
    for (const auto& snapshot : found->snapshots) zxids.push_back(snapshot.zxid);
    CHECK(zxids == std::vector<Zxid>{Zxid{0x400000003}, Zxid{0x200000003}, Zxid{0x10000001a}, Zxid{}});
    CHECK(found->accepted_epoch == 4u);
    CHECK(found->current_epoch == 4u);
    CHECK_FALSE(found->current_epoch_unfinished);
    CHECK(found->server_number);
    const auto first_behind = [&](std::uint64_t zxid) { return found->logs_behind(Zxid{zxid}).front().zxid.value; };
    CHECK(first_behind(0x400000003) == 0x400000004);
    CHECK(first_behind(0x400000002) == 0x300000001);
    CHECK(first_behind(0x400000005) == 0x400000004);
    CHECK(first_behind(0) == 0x100000001);
    CHECK(found->logs_behind(Zxid{}).size() == 4);
}

}  // namespace zabd::storage
