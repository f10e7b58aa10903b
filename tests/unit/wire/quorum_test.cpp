#include "wire/quorum.hpp"

#include "tests/unit/wire/hex.hpp"
#include "wire/jute.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

namespace zabd::wire {
namespace {

using namespace std::string_literals;

std::string bytes_of(const QuorumPacket& packet) {
    std::string out;
    encode(out, packet);
    return out;
}

ClusterSecret some_secret() {
    ClusterSecret secret{};
    for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<unsigned char>(0xe0 + i);
    return secret;
}

const std::string kSecretHex = "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

TEST_CASE("a bare packet is twenty bytes", "[wire][quorum]") {
    const QuorumPacket ping{.type = PacketType::kPing, .zxid = Zxid::of(1, 0), .data = {}};
    CHECK(hex(bytes_of(ping)) == "00000005 0000000100000000 ffffffff ffffffff"_packed);
}

TEST_CASE("null and empty data are told apart", "[wire][quorum]") {
    QuorumPacket ping{.type = PacketType::kPing, .zxid = kZxidUnknown, .data = Bytes::copy_of("")};
    CHECK(hex(bytes_of(ping)) == "00000005 ffffffffffffffff 00000000 ffffffff"_packed);
    ping.data = {};
    CHECK(hex(bytes_of(ping)) == "00000005 ffffffffffffffff ffffffff ffffffff"_packed);
}

TEST_CASE("a packet is appended to what is there", "[wire][quorum]") {
    std::string out = "before";
    encode(out, QuorumPacket{.type = PacketType::kSync, .zxid = {}, .data = {}});
    CHECK(out.substr(0, 6) == "before");
    CHECK(out.size() == 26);
}

TEST_CASE("a forwarded create has the client's body behind its session", "[wire][quorum]") {
    const auto body = unhex(
        "00000002 2f61 00000003 6f6e65"
        "00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
        "00000000");
    const auto data =
        encoded_request({.session = SessionId{0x0100000e09090000}, .xid = 1, .op = OpCode::kCreate, .body = body});
    CHECK(hex(data.view()) == "0100000e09090000 00000001 00000001"_packed + hex(body));

    const QuorumPacket packet{.type = PacketType::kRequest,
                              .zxid = kZxidUnknown,
                              .data = data,
                              .identities = {{{.scheme = "ip", .id = "127.0.0.1"}}}};
    CHECK(hex(bytes_of(packet)) == "00000001 ffffffffffffffff 0000003c"_packed + hex(data.view()) +
                                       "00000001 00000002 6970 00000009 3132372e302e302e31"_packed);
}

TEST_CASE("a request's head and body are told apart", "[wire][quorum]") {
    const auto data =
        encoded_request({.session = SessionId{-2}, .xid = 7, .op = OpCode::kCloseSession, .body = "rest"});
    const auto request = decode_request(data.view());
    REQUIRE(request);
    CHECK(request->session == SessionId{-2});
    CHECK(request->xid == 7);
    CHECK(request->op == OpCode::kCloseSession);
    CHECK(request->body == "rest");
    for (std::size_t size = 0; size < 16; ++size) CHECK_FALSE(decode_request(data.view().substr(0, size)));
    CHECK(decode_request(data.view().substr(0, 16))->body.empty());
}

TEST_CASE("what a learner says of itself has an extension only from zabd", "[wire][quorum]") {
    LearnerInfo info{.server = 2, .config_version = 0x100000007};
    const auto java = "0000000000000002 00010000 0000000100000007"_packed;
    CHECK(hex(encoded_info(info).view()) == java);
    info.zabd = true;
    CHECK(hex(encoded_info(info).view()) == java + "7a616264 00000001"_packed);
    info.no_history = true;
    CHECK(hex(encoded_info(info).view()) == java + "7a616264 00000003"_packed);
    info.mixed = info.provisional = true;
    const auto bytes = encoded_info(info);
    CHECK(hex(bytes.view()) == java + "7a616264 0000000f"_packed);
    CHECK(decode_learner_info(bytes.view())->mixed);
    CHECK(decode_learner_info(bytes.view())->provisional);
}

TEST_CASE("a learner's information may be of any length that a release sent", "[wire][quorum]") {
    struct Case {
        const char* name;
        std::string hex;
        std::int32_t protocol;
        std::int64_t config_version;
        bool zabd, no_history;
    };
    const auto c = GENERATE(values<Case>({
        {"the id only", "0000000000000005", 1, 0, false, false},
        {"no configuration", "0000000000000005 00010000", 0x10000, 0, false, false},
        {"all of Java's", "0000000000000005 00010000 0000000100000007", 0x10000, 0x100000007, false, false},
        {"zabd", "0000000000000005 00010000 0000000000000000 7a616264 00000001", 0x10000, 0, true, false},
        {"zabd, no history", "0000000000000005 00010000 0000000000000000 7a616264 00000003", 0x10000, 0, true, true},
        {"unknown flags", "0000000000000005 00010000 0000000000000000 7a616264 fffffff1 99", 0x10000, 0, true, false},
        {"unknown flags only", "0000000000000005 00010000 0000000000000000 7a616264 00000002", 0x10000, 0, false,
         false},
        {"cut extension", "0000000000000005 00010000 0000000000000000 7a616264 0000", 0x10000, 0, false, false},
        {"another's extension", "0000000000000005 00010000 0000000000000000 7a616265 00000003", 0x10000, 0, false,
         false},
    }));
    CAPTURE(c.name);
    const auto info = decode_learner_info(unhex(c.hex));
    REQUIRE(info);
    CHECK(info->server == 5);
    CHECK(info->protocol == c.protocol);
    CHECK(info->config_version == c.config_version);
    CHECK(info->zabd == c.zabd);
    CHECK(info->no_history == c.no_history);
}

TEST_CASE("less than an id is no learner's information", "[wire][quorum]") {
    for (std::size_t size = 0; size < 8; ++size) CHECK_FALSE(decode_learner_info(std::string(size, '\1')));
}

TEST_CASE("what a leader says of itself holds the secret only from zabd", "[wire][quorum]") {
    LeaderInfo info;
    CHECK(hex(encoded_info(info).view()) == "00010000");
    info.secret = some_secret();
    CHECK(hex(encoded_info(info).view()) == "00010000 7a616264 00000001"_packed + kSecretHex);
    CHECK_FALSE(decode_leader_info(encoded_info(info).view())->mixed);
    info.mixed = true;
    CHECK(hex(encoded_info(info).view()) == "00010000 7a616264 00000009"_packed + kSecretHex);
    CHECK(decode_leader_info(encoded_info(info).view())->mixed);
}

TEST_CASE("a leader's information is read with and without the secret", "[wire][quorum]") {
    const auto whole = unhex("00010000 7a616264 00000001"_packed + kSecretHex);
    for (std::size_t size = 0; size < 4; ++size) CHECK_FALSE(decode_leader_info(whole.substr(0, size)));
    for (std::size_t size = 4; size < whole.size(); ++size) {
        const auto info = decode_leader_info(whole.substr(0, size));
        REQUIRE(info);
        CHECK(info->protocol == kQuorumProtocol);
        CHECK_FALSE(info->secret);
    }
    CHECK(decode_leader_info(whole)->secret == some_secret());
    CHECK(decode_leader_info(whole + "later releases' own")->secret == some_secret());
}

TEST_CASE("revalidation asks with twelve bytes and answers with nine", "[wire][quorum]") {
    CHECK(hex(encoded(SessionTouch{.session = SessionId{0x0200000000000001}, .timeout_ms = 30'000})) ==
          "0200000000000001 00007530"_packed);
    CHECK(hex(encoded(SessionValidity{.session = SessionId{0x0200000000000001}, .valid = true})) ==
          "0200000000000001 01"_packed);
    CHECK(decoded<SessionValidity>(unhex("0200000000000001 00"))->valid == false);
    CHECK_FALSE(decoded<SessionValidity>(unhex("0200000000000001")));
}

TEST_CASE("a table of touched sessions has no count", "[wire][quorum]") {
    const auto table = unhex("0100000000000001 00000fa0 0300000000000002 00009c40");
    const auto touches = decode_touches(table);
    REQUIRE(touches.size() == 2);
    CHECK(touches[0].session == SessionId{0x0100000000000001});
    CHECK(touches[0].timeout_ms == 4'000);
    CHECK(touches[1].session == SessionId{0x0300000000000002});
    CHECK(touches[1].timeout_ms == 40'000);
    CHECK(decode_touches("").empty());
    for (std::size_t size = 0; size < table.size(); ++size)
        CHECK(decode_touches(table.substr(0, size)).size() == size / 12);
}

}  // namespace
}  // namespace zabd::wire
