#include "wire/packet_splitter.hpp"

#include "tests/unit/wire/hex.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {
namespace {

constexpr std::size_t kLimit = 64;

std::string bytes_of(const QuorumPacket& packet) {
    std::string out;
    encode(out, packet);
    return out;
}

QuorumPacket proposal(std::uint32_t counter, std::string_view txn) {
    return {.type = PacketType::kProposal, .zxid = Zxid::of(1, counter), .data = Bytes::copy_of(txn)};
}

std::vector<std::string> some_packets() {
    return {
        bytes_of({.type = PacketType::kRequest, .zxid = kZxidUnknown, .data = {}}),
        bytes_of(proposal(1, "")),
        bytes_of(proposal(2, std::string(kLimit, 'x'))),
        bytes_of({.type = PacketType::kRequest,
                  .zxid = kZxidUnknown,
                  .data = Bytes::copy_of("request"),
                  .identities = {{{.scheme = "ip", .id = "127.0.0.1"}, {.scheme = "digest", .id = "bob:hash"}}}}),
        bytes_of({.type = PacketType::kInformAndActivate,
                  .zxid = Zxid::of(7, 9),
                  .data = Bytes::copy_of("12345678"),
                  .identities = std::vector<Id>()}),
    };
}

std::string joined(const std::vector<std::string>& parts) {
    std::string all;
    for (const auto& part : parts) all += part;
    return all;
}

/// The packets, encoded again.
std::vector<std::string> take(PacketSplitter& splitter) {
    std::vector<std::string> packets;
    while (const auto packet = splitter.next()) packets.push_back(bytes_of(*packet));
    return packets;
}

TEST_CASE("packets come out as they went in, however the bytes are cut", "[wire][packet_splitter]") {
    const auto stream = joined(some_packets());
    const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{19}, std::size_t{64}, std::size_t{100'000});
    CAPTURE(piece);
    PacketSplitter splitter(kLimit);
    std::vector<std::string> packets;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        splitter.feed(std::string(stream.substr(at, piece)));
        for (auto& packet : take(splitter)) packets.push_back(packet);
    }
    CHECK(packets == some_packets());
    CHECK_FALSE(splitter.failed());
}

TEST_CASE("the fields of a packet are told", "[wire][packet_splitter]") {
    PacketSplitter splitter(kLimit);
    splitter.feed(some_packets()[3]);
    const auto packet = splitter.next();
    REQUIRE(packet);
    CHECK(packet->type == PacketType::kRequest);
    CHECK(packet->zxid == kZxidUnknown);
    CHECK(packet->data.view() == "request");
    CHECK(packet->identities == std::vector<Id>{{"ip", "127.0.0.1"}, {"digest", "bob:hash"}});
}

TEST_CASE("no packet comes before its last byte", "[wire][packet_splitter]") {
    for (const auto& packet : some_packets()) {
        for (std::size_t size = 0; size < packet.size(); ++size) {
            PacketSplitter splitter(kLimit);
            splitter.feed(std::string_view(packet).substr(0, size));
            CHECK_FALSE(splitter.next());
            CHECK_FALSE(splitter.failed());
        }
    }
}

TEST_CASE("bytes that are no packet fail the stream as soon as they show", "[wire][packet_splitter]") {
    struct Case {
        const char* name;
        std::string hex;
        bool failed;
    };
    const auto c = GENERATE(values<Case>({
        {"type 0", "00000000", true},
        {"a type nobody knows", "00000014", true},
        {"a negative type", "ffffffff", true},
        {"data of the limit", "00000002 0000000000000000 00000040", false},
        {"data over the limit", "00000002 0000000000000000 00000041", true},
        {"data of most negative length", "00000002 0000000000000000 80000000", true},
        {"data of length -2", "00000002 0000000000000000 fffffffe", true},
        {"as many identities as there may be", "00000001 0000000000000000 ffffffff 00000400", false},
        {"more identities", "00000001 0000000000000000 ffffffff 00000401", true},
        {"a negative count of identities", "00000001 0000000000000000 ffffffff fffffffe", true},
        {"a scheme over the limit", "00000001 0000000000000000 ffffffff 00000001 00000041", true},
        {"an id of negative length", "00000001 0000000000000000 ffffffff 00000001 00000000 fffffffe", true},
    }));
    CAPTURE(c.name);
    PacketSplitter splitter(kLimit);
    splitter.feed(unhex(c.hex));
    CHECK_FALSE(splitter.next());
    CHECK(splitter.failed() == c.failed);
}

TEST_CASE("identities are bounded together", "[wire][packet_splitter]") {
    const std::string id(12, 'x');  // 20 bytes, with the two lengths
    QuorumPacket packet{
        .type = PacketType::kRequest, .zxid = {}, .data = {}, .identities = {{{"", id}, {"", id}, {"", id}}}};
    PacketSplitter splitter(kLimit);
    splitter.feed(bytes_of(packet));
    CHECK(splitter.next());
    packet.identities->push_back({"", id});
    splitter.feed(bytes_of(packet));
    CHECK_FALSE(splitter.next());
    CHECK(splitter.failed());
}

TEST_CASE("null strings of an identity are empty ones", "[wire][packet_splitter]") {
    PacketSplitter splitter(kLimit);
    splitter.feed(unhex("00000001 0000000000000000 ffffffff 00000001 ffffffff ffffffff"));
    CHECK(splitter.next()->identities == std::vector<Id>{{"", ""}});
}

TEST_CASE("what came before a failure is still told, and nothing after it", "[wire][packet_splitter]") {
    PacketSplitter splitter(kLimit);
    splitter.feed(some_packets()[0] + unhex("7fffffff") + some_packets()[0]);
    CHECK(take(splitter) == std::vector{some_packets()[0]});
    CHECK(splitter.failed());
    splitter.feed(some_packets()[0]);
    CHECK_FALSE(splitter.next());
}

TEST_CASE("a snapshot's bytes are taken out of the stream", "[wire][packet_splitter]") {
    const auto snap = bytes_of({.type = PacketType::kSnap, .zxid = Zxid::of(1, 5), .data = {}});
    PacketSplitter splitter(kLimit);
    splitter.feed(some_packets()[0] + snap + "raw bytes" + some_packets()[1]);
    CHECK(splitter.next()->type == PacketType::kRequest);
    CHECK(splitter.next()->type == PacketType::kSnap);
    const auto raw = splitter.take_raw();
    CHECK(raw == "raw bytes" + some_packets()[1]);
    CHECK_FALSE(splitter.next());
    CHECK(splitter.take_raw().empty());
    splitter.put_back(std::string_view(raw).substr(9));
    CHECK(take(splitter) == std::vector{some_packets()[1]});
}

TEST_CASE("many packets in one piece cost no more than in many", "[wire][packet_splitter]") {
    const auto packet = bytes_of(proposal(1, std::string(kLimit, 'x')));
    std::string stream;
    constexpr std::size_t kPackets = 200'000;  // would take minutes if each moved all that follow it
    for (std::size_t i = 0; i < kPackets; ++i) stream += packet;
    PacketSplitter splitter(kLimit);
    splitter.feed(stream);
    std::size_t count = 0;
    while (splitter.next()) ++count;
    CHECK(count == kPackets);
}

}  // namespace
}  // namespace zabd::wire
