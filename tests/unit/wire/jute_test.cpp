#include "wire/jute.hpp"

#include "wire/acl.hpp"
#include "wire/stat.hpp"
#include "wire/txns.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {
namespace {

using namespace std::string_literals;

template <class T>
void check_form(const T& value, const std::string& bytes) {
    const auto expected = std::make_optional(value);  // of an optional, if T is one
    CHECK(encoded(value) == bytes);
    CHECK(decoded<T>(bytes) == expected);
    for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decoded<T>(bytes.substr(0, size)).has_value());
    const auto surplus = bytes + "surplus";
    CHECK(decoded<T>(surplus) == expected);
}

enum class Colour : std::int32_t { kRed = 7 };

TEST_CASE("numbers are big-endian two's complement", "[wire][jute]") {
    check_form(false, "\0"s);
    check_form(true, "\1"s);
    check_form(std::uint8_t{0xfe}, "\xfe"s);
    check_form(std::int32_t{0}, "\0\0\0\0"s);
    check_form(std::int32_t{0x01020304}, "\1\2\3\4"s);
    check_form(std::int32_t{-1}, "\xff\xff\xff\xff"s);
    check_form(std::numeric_limits<std::int32_t>::min(), "\x80\0\0\0"s);
    check_form(std::int64_t{0x0102030405060708}, "\1\2\3\4\5\6\7\x08"s);
    check_form(std::int64_t{-2}, "\xff\xff\xff\xff\xff\xff\xff\xfe"s);
    check_form(std::numeric_limits<std::int64_t>::min(), "\x80\0\0\0\0\0\0\0"s);
}

TEST_CASE("ids and enumerations are their numbers", "[wire][jute]") {
    check_form(Zxid::of(0x80000001, 2), "\x80\0\0\1\0\0\0\2"s);
    check_form(kZxidUnknown, "\xff\xff\xff\xff\xff\xff\xff\xff"s);
    check_form(SessionId{-1}, "\xff\xff\xff\xff\xff\xff\xff\xff"s);
    check_form(Colour::kRed, "\0\0\0\7"s);
    check_form(Colour{-9}, "\xff\xff\xff\xf7"s);  // numbers without a name are kept
}

TEST_CASE("any byte but zero is true", "[wire][jute]") {
    CHECK(decoded<bool>("\2") == true);
    CHECK(decoded<bool>("\xff") == true);
}

TEST_CASE("strings and buffers are counted bytes", "[wire][jute]") {
    check_form(""s, "\0\0\0\0"s);
    check_form("a\0b"s, "\0\0\0\3a\0b"s);
    check_form(std::string_view("/path"), "\0\0\0\5/path"s);
    check_form(std::string(1000, 'x'), "\0\0\x03\xe8"s + std::string(1000, 'x'));
}

TEST_CASE("optional strings and vectors may be null, which is not the same as empty", "[wire][jute]") {
    check_form(std::optional<std::string_view>(), "\xff\xff\xff\xff"s);
    check_form(std::optional(std::string_view("")), "\0\0\0\0"s);
    check_form(std::optional(std::string_view("a")), "\0\0\0\1a"s);
    check_form(std::optional<std::vector<std::int32_t>>(), "\xff\xff\xff\xff"s);
    check_form(std::optional(std::vector<std::int32_t>{}), "\0\0\0\0"s);
    check_form(std::optional(std::vector<std::int32_t>{9}), "\0\0\0\1\0\0\0\x09"s);
}

TEST_CASE("what an optional held is gone when null is read", "[wire][jute]") {
    std::optional<std::string_view> text = "before";
    Decoder in("\xff\xff\xff\xff");
    decode(in, text);
    CHECK_FALSE(in.failed());
    CHECK(text == std::nullopt);
}

TEST_CASE("vectors hold elements of any kind", "[wire][jute]") {
    check_form(std::vector<std::int64_t>{1, -1}, "\0\0\0\2\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"s);
    check_form(std::vector<std::string_view>{"a", ""}, "\0\0\0\2\0\0\0\1a\0\0\0\0"s);
    check_form(std::vector<std::vector<std::int32_t>>{{}, {7}}, "\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\7"s);
    check_form(AclList{{1, {"world", "anyone"}}}, "\0\0\0\1\0\0\0\1\0\0\0\5world\0\0\0\6anyone"s);
}

TEST_CASE("null where something must be is a failure", "[wire][jute]") {
    CHECK_FALSE(decoded<std::string_view>("\xff\xff\xff\xff").has_value());
    CHECK_FALSE(decoded<std::string>("\xff\xff\xff\xff").has_value());
    CHECK_FALSE(decoded<std::vector<std::int32_t>>("\xff\xff\xff\xff").has_value());
    CHECK_FALSE(decoded<std::vector<std::string_view>>("\0\0\0\1\xff\xff\xff\xff"s).has_value());
}

TEST_CASE("an identity reads null as empty", "[wire][jute]") {
    const auto id = decoded<Id>("\xff\xff\xff\xff\xff\xff\xff\xff");
    REQUIRE(id.has_value());
    CHECK(*id == Id{});
    CHECK(encoded(*id) == "\0\0\0\0\0\0\0\0"s);
}

TEST_CASE("a count of bytes must be within what is left", "[wire][jute]") {
    struct Case {
        const char* name;
        std::string bytes;
    };
    const auto c = GENERATE(values<Case>({
        {"one more than there is", "\0\0\0\3ab"s},
        {"the most there can be",
         "\x7f\xff\xff\xff"
         "ab"s},
        {"below null",
         "\xff\xff\xff\xfe"
         "ab"s},
        {"the least of all", "\x80\0\0\0ab"s},
        {"itself cut", "\0\0\0"s},
    }));
    CAPTURE(c.name);
    CHECK_FALSE(decoded<std::string_view>(c.bytes).has_value());
    CHECK_FALSE(decoded<std::optional<std::string_view>>(c.bytes).has_value());
}

TEST_CASE("a count of elements is bounded by the bytes that they need", "[wire][jute]") {
    struct Case {
        const char* name;
        std::int32_t count;
        std::size_t element_bytes_min, bytes_left;
        bool allowed;
    };
    const auto c = GENERATE(values<Case>({
        {"none", 0, 8, 0, true},
        {"all that fit", 3, 4, 12, true},
        {"and some bytes to spare", 3, 4, 15, true},
        {"one too many", 4, 4, 15, false},
        {"as many as bytes, of one each", 15, 1, 15, true},
        {"the most there can be", std::numeric_limits<std::int32_t>::max(), 1, 15, false},
    }));
    CAPTURE(c.name);
    const auto bytes = encoded(c.count) + std::string(c.bytes_left, '\0');
    Decoder in(bytes);
    const auto count = in.get_count(c.element_bytes_min);
    CHECK(count.has_value() == c.allowed);
    CHECK(in.failed() == !c.allowed);
    if (count) CHECK(*count == static_cast<std::size_t>(c.count));
}

TEST_CASE("elements are counted by the least size of their kind", "[wire][jute]") {
    CHECK(encoded_bytes_min<bool>() == 1);
    CHECK(encoded_bytes_min<std::int32_t>() == 4);
    CHECK(encoded_bytes_min<Zxid>() == 8);
    CHECK(encoded_bytes_min<std::string_view>() == 4);
    CHECK(encoded_bytes_min<Id>() == 8);
    CHECK(encoded_bytes_min<Acl>() == 12);
    CHECK(encoded_bytes_min<Stat>() == 68);
    CHECK(encoded_bytes_min<SubTxn>() == 8);
}

TEST_CASE("a huge count fails without room being made for it", "[wire][jute]") {
    const auto bytes = "\x7f\xff\xff\xff\0\0\0\0"s;
    Decoder in(bytes);
    std::vector<Acl> elements;
    decode(in, elements);
    CHECK(in.failed());
    CHECK(elements.capacity() == 0);
}

TEST_CASE("any negative count but null's is an empty vector", "[wire][jute]") {
    const auto bytes = GENERATE("\xff\xff\xff\xfe"s, "\x80\0\0\0"s);
    CHECK(decoded<std::vector<std::int32_t>>(bytes) == std::vector<std::int32_t>{});
    CHECK(decoded<std::optional<AclList>>(bytes) == std::optional(AclList{}));
}

TEST_CASE("a vector whose elements end too early holds none", "[wire][jute]") {
    const auto bytes = "\0\0\0\2\0\0\0\1a\0\0\0\2b"s;
    Decoder in(bytes);
    std::optional<std::vector<std::string_view>> names;
    decode(in, names);
    CHECK(in.failed());
    CHECK(names.value().empty());
}

TEST_CASE("after a failure everything reads as zero, empty or null", "[wire][jute]") {
    const auto bytes = "\0\0\0\x09garbage!"s;  // 9 bytes announced, 8 left
    Decoder in(bytes);
    CHECK(in.get_counted() == std::nullopt);
    REQUIRE(in.failed());
    CHECK(in.rest().empty());
    CHECK(in.get_byte() == 0);
    CHECK(in.get_int() == 0);
    CHECK(in.get_long() == 0);
    CHECK(in.get_counted() == std::nullopt);
    CHECK(in.get_count(1) == std::nullopt);
    CHECK(in.failed());
}

TEST_CASE("decoded strings point into the bytes they came from", "[wire][jute]") {
    const auto bytes = "\0\0\0\4name"s;
    const auto name = decoded<std::string_view>(bytes);
    REQUIRE(name.has_value());
    CHECK(name->data() == bytes.data() + 4);
}

TEST_CASE("an encoder goes on behind what is there", "[wire][jute]") {
    std::string bytes = "before";
    Encoder out(bytes);
    out.put_byte(1);
    out.put_null();
    out.put_counted("x");
    CHECK(bytes == "before\1\xff\xff\xff\xff\0\0\0\1x"s);
}

}  // namespace
}  // namespace zabd::wire
