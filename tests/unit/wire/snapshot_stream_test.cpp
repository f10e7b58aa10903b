#include "wire/snapshot_stream.hpp"

#include "tests/unit/wire/hex.hpp"
#include "wire/jute.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zabd::wire {
namespace {

constexpr std::size_t kLimit = 1 << 20;
constexpr std::size_t kFileHeaderBytes = 16;
constexpr std::size_t kSealsBytes = 13 + 33;  // behind the nodes of a file: two checksums, and a digest

const std::string kEnd = unhex("00000001 2f 0000000a") + "BenWasHere";

using Elements = std::vector<SnapshotElement>;

/// A file that ZooKeeper 3.8.0 wrote, as the stream it would send.
std::string real_stream() {
    std::ifstream file(ZABD_SOURCE_DIR "/tests/vectors/zookeeper-3.8.snapshot.31", std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(content.starts_with("ZKSN"));
    const auto body = content.substr(kFileHeaderBytes, content.size() - kFileHeaderBytes - kSealsBytes);
    return body.substr(0, body.size() - 5) + kEnd;
}

/// As the elements, in the stream's order.
std::string encoded_stream(const Elements& elements) {
    std::string out;
    SnapshotEncoder encoder(out);
    const auto count = [&](auto tag) {
        return static_cast<std::size_t>(std::ranges::count_if(
            elements, [](const auto& element) { return std::holds_alternative<decltype(tag)>(element); }));
    };
    const auto add_all = [&](auto tag) {
        for (const auto& element : elements) {
            if (const auto* one = std::get_if<decltype(tag)>(&element)) encoder.add(*one);
        }
    };
    encoder.begin_sessions(count(SnapshotSession{}));
    add_all(SnapshotSession{});
    encoder.begin_acls(count(SnapshotAcl{}));
    add_all(SnapshotAcl{});
    add_all(SnapshotNode{});
    encoder.end();
    return out;
}

Elements decoded_whole(std::string_view stream) {
    SnapshotDecoder decoder(kLimit);
    Elements elements;
    CHECK(decoder.feed(stream, elements) == stream.size());
    REQUIRE(decoder.finished());
    return elements;
}

const SnapshotNode& node_at(const Elements& elements, std::string_view path) {
    for (const auto& element : elements) {
        const auto* node = std::get_if<SnapshotNode>(&element);
        if (node != nullptr && node->path == path) return *node;
    }
    FAIL("no node " << path);
    throw;
}

TEST_CASE("the smallest snapshot is two counts and the end", "[wire][snapshot_stream]") {
    CHECK(hex(encoded_stream({})) == "00000000 00000000 00000001 2f 0000000a 42656e57617348657265"_packed);
    CHECK(decoded_whole(encoded_stream({})).empty());
}

TEST_CASE("a node is written as its file form", "[wire][snapshot_stream]") {
    const SnapshotNode node{.path = "/a",
                            .data = Bytes::copy_of("one"),
                            .acl = 5,
                            .czxid = Zxid{1},
                            .mzxid = Zxid{2},
                            .ctime_ms = 3,
                            .mtime_ms = 4,
                            .version = 5,
                            .creations = 6,
                            .aversion = -1,
                            .owner = -0x7fffffffffffffff - 1,
                            .pzxid = Zxid{7}};
    std::string out;
    SnapshotEncoder(out).add(node);
    CHECK(hex(out) ==
          "00000002 2f61 00000003 6f6e65 0000000000000005"
          "0000000000000001 0000000000000002 0000000000000003 0000000000000004"
          "00000005 00000006 ffffffff 8000000000000000 0000000000000007"_packed);
}

TEST_CASE("a real server's snapshot is read", "[wire][snapshot_stream]") {
    const auto elements = decoded_whole(real_stream());
    CHECK(elements.size() == 2 + 5 + 30);
    const auto& session = std::get<SnapshotSession>(elements[0]);
    CHECK(session.session == SessionId{0x100001267fc0002});
    CHECK(session.timeout_ms == 40'000);

    const auto& acl = std::get<SnapshotAcl>(elements[6]);
    CHECK(acl.id == 5);
    CHECK(decoded<AclList>(acl.encoded_list) == AclList{{1, {"world", "anyone"}}, {31, {"ip", "127.0.0.1"}}});

    const auto& root = std::get<SnapshotNode>(elements[7]);
    CHECK(root.path == "/");
    CHECK(root.data.view() == "rootdata");
    CHECK(root.acl == -1);
    CHECK(root.mzxid == Zxid{38});
    CHECK(root.mtime_ms == 1795328732116);
    CHECK(root.version == 1);
    CHECK(root.creations == 18);
    CHECK(root.pzxid == Zxid{49});

    CHECK(node_at(elements, "/nulldata").data.null());
    CHECK_FALSE(node_at(elements, "/emptydata").data.null());
    CHECK(node_at(elements, "/emptydata").data.size() == 0);
    CHECK(node_at(elements, "/plain").acl == 5);
    CHECK(node_at(elements, "/plain").aversion == 1);
    CHECK(node_at(elements, "/eph-live").owner == 0x100001267fc0002);
    CHECK(node_at(elements, "/zookeeper/config").aversion == -1);
}

TEST_CASE("a real server's snapshot is written as it was", "[wire][snapshot_stream]") {
    CHECK(encoded_stream(decoded_whole(real_stream())) == real_stream());
}

TEST_CASE("a snapshot may be cut anywhere, and what follows it is not its own", "[wire][snapshot_stream]") {
    const auto stream = real_stream();
    const auto followed = stream + "the packets behind it";
    const auto piece = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{4096});
    CAPTURE(piece);
    SnapshotDecoder decoder(kLimit);
    Elements elements;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < followed.size(); at += piece) {
        taken += decoder.feed(std::string(followed.substr(at, piece)), elements);
    }
    CHECK(taken == stream.size());
    CHECK(decoder.finished());
    CHECK_FALSE(decoder.failed());
    CHECK(encoded_stream(elements) == stream);
}

TEST_CASE("a snapshot that is cut off has neither finished nor failed", "[wire][snapshot_stream]") {
    const auto stream = real_stream();
    for (std::size_t size = 0; size < stream.size(); ++size) {
        SnapshotDecoder decoder(kLimit);
        Elements elements;
        CHECK(decoder.feed(std::string_view(stream).substr(0, size), elements) == size);
        CHECK_FALSE(decoder.finished());
        CHECK_FALSE(decoder.failed());
    }
}

TEST_CASE("bytes that are no snapshot fail it", "[wire][snapshot_stream]") {
    struct Case {
        const char* name;
        std::string hex;
        bool failed;
    };
    const auto node_rest =
        "0000000000000005 0000000000000001 0000000000000002 0000000000000003 0000000000000004"
        "00000005 00000006 ffffffff 8000000000000000 0000000000000007"_packed;
    const auto c = GENERATE_COPY(values<Case>({
        {"a negative count of sessions", "ffffffff", true},
        {"many sessions to come", "7fffffff", false},
        {"a negative count of ACL lists", "00000000 80000000", true},
        {"a null ACL list", "00000000 00000001 0000000000000001 ffffffff", true},
        {"an ACL's scheme of negative length", "00000000 00000001 0000000000000001 00000001 0000001f fffffffe", true},
        {"many ACLs to come", "00000000 00000001 0000000000000001 7fffffff", false},
        {"a null path", "00000000 00000000 ffffffff", true},
        {"a path over the limit", "00000000 00000000 00000081", true},
        {"data over the limit", "00000000 00000000 00000002 2f61 00000081", true},
        {"data of negative length", "00000000 00000000 00000002 2f61 fffffffe", true},
        {"null data", "00000000 00000000 00000002 2f61 ffffffff" + node_rest, false},
        {"another end", "00000000 00000000 00000001 2f 00000000", true},
        {"a null end", "00000000 00000000 00000001 2f ffffffff", true},
    }));
    CAPTURE(c.name);
    SnapshotDecoder decoder(128);
    Elements elements;
    decoder.feed(unhex(c.hex), elements);
    CHECK(decoder.failed() == c.failed);
    CHECK_FALSE(decoder.finished());
    if (c.failed) CHECK(decoder.feed(kEnd, elements) == 0);
}

TEST_CASE("an element over the limit fails the snapshot, whole or cut", "[wire][snapshot_stream]") {
    const auto piece = GENERATE(std::size_t{1}, std::size_t{50}, std::size_t{100'000});
    const auto spare = GENERATE(std::size_t{0}, std::size_t{1});
    CAPTURE(piece, spare);
    const SnapshotNode node{.path = "/a", .data = Bytes::copy_of(std::string(100, 'x'))};
    std::string one;
    SnapshotEncoder(one).add(node);
    const auto stream = encoded_stream({node, node});
    SnapshotDecoder decoder(one.size() - 1 + spare);
    Elements elements;
    for (std::size_t at = 0; at < stream.size(); at += piece) decoder.feed(stream.substr(at, piece), elements);
    CHECK(decoder.finished() == (spare == 1));
    CHECK(decoder.failed() == (spare == 0));
    CHECK(elements.size() == 2 * spare);
}

}  // namespace
TEST_CASE("a file's nodes end without a signature, and what is behind them is left", "[wire][snapshot_stream]") {
    const auto stream = real_stream();
    const auto nodes = stream.substr(0, stream.size() - kEnd.size() + 5);
    SnapshotDecoder decoder(kLimit, SnapshotEnd::kNodes);
    Elements elements;
    CHECK(decoder.feed(nodes.substr(0, 1000), elements) == 1000);
    CHECK(decoder.position() <= 1000);
    CHECK_FALSE(decoder.finished());
    CHECK(decoder.feed(nodes.substr(1000) + "behind", elements) == nodes.size() - 1000);
    CHECK(decoder.finished());
    CHECK(decoder.position() == nodes.size());
    CHECK(encoded_stream(elements) == stream);
}

TEST_CASE("the place of what fails a snapshot is known", "[wire][snapshot_stream]") {
    auto stream = real_stream();
    SnapshotDecoder before(kLimit);
    Elements elements;
    before.feed(stream.substr(0, 2000), elements);
    const auto place = before.position();
    stream.replace(place, 4, "\xff\xff\xff\xfe");  // the length of a path
    SnapshotDecoder decoder(kLimit);
    decoder.feed(stream, elements);
    CHECK(decoder.failed());
    CHECK(decoder.position() == place);
}

}  // namespace zabd::wire
