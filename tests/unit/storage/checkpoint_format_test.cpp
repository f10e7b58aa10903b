#include "storage/checkpoint_format.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

using namespace zabd;
using namespace zabd::storage;

namespace {

std::string hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        if (!text.empty()) text += ' ';
        text += kDigits[value >> 4];
        text += kDigits[value & 15];
    }
    return text;
}

std::string sealed(Database database, std::string_view key, std::string_view content) {
    std::string value;
    seal(database, key, content, value);
    return value;
}

}  // namespace

TEST_CASE("the records of docs/storage.md", "[storage][checkpoint]") {
    wire::NodeRecord node;
    node.id = NodeId{5};
    node.parent = NodeId::kRoot;
    node.name = "hello";
    node.czxid = Zxid::of(0, 2);
    node.mzxid = Zxid::of(0, 3);
    node.pzxid = Zxid::of(0, 2);
    node.ctime_ms = 0x0192'0000'0000;
    node.mtime_ms = 0x0192'0000'0001;
    node.version = 1;
    std::string content;
    encode_node(node, content);
    const auto key = encode_key(5);
    CHECK(hex(key) == "00 00 00 00 00 00 00 05");
    CHECK(hex(sealed(Database::kNodes, key, content)) ==
          "7f a1 36 38 00 00 00 00 00 00 00 01 00 00 00 05 "
          "68 65 6c 6c 6f 00 00 00 00 00 00 00 02 00 00 00 "
          "00 00 00 00 03 00 00 00 00 00 00 00 02 00 00 01 "
          "92 00 00 00 00 00 00 01 92 00 00 00 01 00 00 00 "
          "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
          "00 00 00 00 00");
    CHECK(hex(sealed(Database::kData, key, "world")) == "70 5c 1c be 77 6f 72 6c 64");
    CHECK(decode_node(NodeId{5}, content) == node);
}

TEST_CASE("S-22: a value under another key, or in another database, fails its checksum", "[storage][checkpoint]") {
    const auto key = encode_key(5);
    const auto value = sealed(Database::kData, key, "world");
    CHECK(unsealed(Database::kData, key, value) == "world");
    CHECK_FALSE(unsealed(Database::kNodes, key, value));
    CHECK_FALSE(unsealed(Database::kData, encode_key(6), value));
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
        auto rotten = value;
        rotten[bit / 8] = static_cast<char>(rotten[bit / 8] ^ (1 << bit % 8));
        if (unsealed(Database::kData, key, rotten)) FAIL_CHECK("bit " << bit);
    }
    CHECK_FALSE(unsealed(Database::kData, key, value.substr(0, value.size() - 1)));
    CHECK_FALSE(unsealed(Database::kData, key, ""));
}
