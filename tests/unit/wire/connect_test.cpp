#include "wire/connect.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace zabd::wire {
namespace {

using namespace std::string_literals;

constexpr std::string_view kPassword = "0123456789abcdef";

Password password(std::string_view text) {
    Password password{};
    std::ranges::copy(text, password.begin());
    return password;
}

template <class Handshake>
std::string bytes_of(const Handshake& handshake) {
    std::string bytes;
    Encoder out(bytes);
    encode(out, handshake);
    return bytes;
}

const std::string kRequestOfOldClient =
    "\0\0\0\0"
    "\0\0\0\1\0\0\0\2"
    "\0\0\x27\x10"
    "\1\0\0\0\0\0\0\3"
    "\0\0\0\x10"
    "0123456789abcdef"s;

TEST_CASE("a connect request has its fields in order", "[wire][connect]") {
    const auto bytes = kRequestOfOldClient + '\1';
    const auto request = decode_connect_request(bytes);
    REQUIRE(request.has_value());
    CHECK(request->protocol_version == 0);
    CHECK(request->last_zxid_seen == Zxid::of(1, 2));
    CHECK(request->timeout_ms == 10'000);
    CHECK(request->session == SessionId{0x0100'0000'0000'0003});
    CHECK(request->password == kPassword);
    CHECK(request->read_only == true);
    CHECK(bytes_of(*request) == bytes);
}

TEST_CASE("the flag for a read-only server may be missing, and is kept so", "[wire][connect]") {
    const auto request = decode_connect_request(kRequestOfOldClient);
    REQUIRE(request.has_value());
    CHECK(request->read_only == std::nullopt);
    CHECK(bytes_of(*request) == kRequestOfOldClient);
}

TEST_CASE("bytes behind a connect request are ignored", "[wire][connect]") {
    const auto request = decode_connect_request(kRequestOfOldClient + "\0abc"s);
    REQUIRE(request.has_value());
    CHECK(request->read_only == false);
}

TEST_CASE("the password of a connect request may be null or of any length", "[wire][connect]") {
    ConnectRequest request;
    request.password =
        GENERATE(as<std::optional<std::string_view>>(), std::nullopt, "", "short", "longer than sixteen bytes");
    const auto bytes = bytes_of(request);
    const auto again = decode_connect_request(bytes);
    REQUIRE(again.has_value());
    CHECK(again->password == request.password);
}

TEST_CASE("a connect request that ends too early is none", "[wire][connect]") {
    for (std::size_t size = 0; size < kRequestOfOldClient.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(decode_connect_request(std::string_view(kRequestOfOldClient).substr(0, size)).has_value());
    }
}

TEST_CASE("a connect reply is 36 bytes, and one more for clients that know the flag", "[wire][connect]") {
    ConnectReply reply{.timeout_ms = 10'000, .session = SessionId{3}, .password = password(kPassword), .read_only = {}};
    const auto old_form =
        "\0\0\0\0"
        "\0\0\x27\x10"
        "\0\0\0\0\0\0\0\3"
        "\0\0\0\x10"
        "0123456789abcdef"s;
    CHECK(bytes_of(reply) == old_form);
    reply.read_only = false;
    CHECK(bytes_of(reply) == old_form + '\0');
    reply.read_only = true;
    CHECK(bytes_of(reply) == old_form + '\1');
}

TEST_CASE("a connect reply reads back as it was", "[wire][connect]") {
    const ConnectReply reply{.protocol_version = 0,
                             .timeout_ms = 4000,
                             .session = SessionId{-3},
                             .password = password(kPassword),
                             .read_only = GENERATE(as<std::optional<bool>>(), std::nullopt, false, true)};
    const auto bytes = bytes_of(reply);
    const auto again = decode_connect_reply(bytes);
    REQUIRE(again.has_value());
    CHECK(again->timeout_ms == reply.timeout_ms);
    CHECK(again->session == reply.session);
    CHECK(again->password == reply.password);
    CHECK(again->read_only == reply.read_only);
    for (std::size_t size = 0; size < 36; ++size) CHECK_FALSE(decode_connect_reply(bytes.substr(0, size)).has_value());
}

TEST_CASE("a connect reply has a password of 16 bytes", "[wire][connect]") {
    const auto password_field =
        GENERATE("\xff\xff\xff\xff"s, "\0\0\0\0"s, "\0\0\0\1a"s, "\0\0\0\x11"s + std::string(17, 'a'));
    CHECK_FALSE(decode_connect_reply(std::string(16, '\0') + password_field).has_value());
}

TEST_CASE("a refusal is all zeros", "[wire][connect]") {
    CHECK(bytes_of(ConnectReply{}) == std::string(16, '\0') + "\0\0\0\x10"s + std::string(16, '\0'));
}

}  // namespace
}  // namespace zabd::wire
