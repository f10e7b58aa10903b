// Bytes shown and taken back: detection, cutting, and that nothing is changed on the way.
#include "server/admin/values.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace zabd::server::admin {
namespace {

constexpr std::size_t kAll = 1 << 20;

TEST_CASE("the format that fits is found", "[admin][values]") {
    struct Case {
        const char* name;
        std::string data;
        Format format;
    };
    const auto c = GENERATE(values<Case>({
        {"nothing", "", Format::kText},
        {"words", "hello", Format::kText},
        {"lines and tabs", "a\tb\r\nc\n", Format::kText},
        {"beyond ASCII", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d", Format::kText},
        {"an object", " {\"a\": [1, null]}\n", Format::kJson},
        {"an array", "[]", Format::kJson},
        {"a JSON number is text", "42", Format::kText},
        {"a JSON string is text", "\"a\"", Format::kText},
        {"an object with something behind", "{} x", Format::kText},
        {"a template", "{name}", Format::kText},
        {"a NUL", std::string("a\0b", 3), Format::kHex},
        {"an escape", "\x1b[31m", Format::kHex},
        {"DEL", "\x7f", Format::kHex},
        {"a C1 control", "\xc2\x85", Format::kHex},
        {"not UTF-8", "\xff\xfe", Format::kHex},
        {"an overlong slash", "\xc0\xaf", Format::kHex},
        {"a surrogate", "\xed\xa0\x80", Format::kHex},
        {"above Unicode", "\xf4\x90\x80\x80", Format::kHex},
        {"a character cut off", "a\xe2\x82", Format::kHex},
        {"JSON that is not UTF-8", "[\"\xff\"]", Format::kHex},
    }));
    CAPTURE(c.name);
    CHECK(shown(c.data, Format::kAuto, kAll).format == c.format);
}

TEST_CASE("what a format cannot show without loss is shown as the next one", "[admin][values]") {
    CHECK(shown("{", Format::kJson, kAll).format == Format::kText);
    CHECK(shown("\xff", Format::kJson, kAll).format == Format::kHex);
    CHECK(shown("\xff", Format::kText, kAll).format == Format::kHex);
    CHECK(shown(std::string("\0", 1), Format::kText, kAll).format == Format::kText);
    CHECK(shown("7", Format::kJson, kAll).format == Format::kJson);
}

TEST_CASE("what is shown gives the same bytes back", "[admin][values]") {
    std::string every;
    for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
    const auto data = GENERATE_COPY(std::string(), std::string("f"), std::string("fo"), std::string("foo"),
                                    std::string("{\"a\":1}"), every, every.substr(1), every.substr(2));
    const auto format = GENERATE(Format::kAuto, Format::kText, Format::kJson, Format::kHex, Format::kBase64);
    const auto value = shown(data, format, kAll);
    CAPTURE(name_of(format), value.value);
    CHECK(bytes_of(value.value, value.format) == data);
    CHECK(value.size == data.size());
    CHECK_FALSE(value.truncated);
}

TEST_CASE("hex and base64 have their known forms", "[admin][values]") {
    CHECK(shown(std::string("\x00\xab\x10", 3), Format::kHex, kAll).value == "00ab10");
    CHECK(shown("f", Format::kBase64, kAll).value == "Zg==");
    CHECK(shown("fo", Format::kBase64, kAll).value == "Zm8=");
    CHECK(shown("foobar", Format::kBase64, kAll).value == "Zm9vYmFy");
    CHECK(shown("\xff\xef\xbe", Format::kBase64, kAll).value == "/+++");
    CHECK(bytes_of("00aB10", Format::kHex) == std::string("\x00\xab\x10", 3));
}

TEST_CASE("what is no hex, base64 or JSON is refused", "[admin][values]") {
    const auto hex = GENERATE("a", "0g", " 00", "0x00");
    CHECK_FALSE(bytes_of(hex, Format::kHex));
    // Length, alphabet, padding in the midst, bits that would be lost.
    const auto base64 = GENERATE("Zg", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Zm9_", "Zm 9", "Zh==", "Zm9=");
    CAPTURE(base64);
    CHECK_FALSE(bytes_of(base64, Format::kBase64));
    CHECK_FALSE(bytes_of("{", Format::kJson));
    CHECK_FALSE(bytes_of("x", Format::kAuto));
}

TEST_CASE("text is cut between two characters, bytes anywhere", "[admin][values]") {
    const std::string euros = "a\xe2\x82\xac\xe2\x82\xac";
    const auto cut = GENERATE(values<std::pair<std::size_t, std::size_t>>(
        {{0, 0}, {1, 1}, {2, 1}, {3, 1}, {4, 4}, {5, 4}, {6, 4}, {7, 7}, {8, 7}}));
    CAPTURE(cut.first);
    const auto text = shown(euros, Format::kText, cut.first);
    CHECK(text.value == euros.substr(0, cut.second));
    CHECK(is_utf8(text.value));
    CHECK(text.truncated == (cut.first < euros.size()));
    CHECK(text.size == euros.size());
    CHECK(shown(euros, Format::kHex, cut.first).value.size() == 2 * std::min<std::size_t>(cut.first, euros.size()));
}

TEST_CASE("a document that is cut is still called one", "[admin][values]") {
    const auto value = shown("[1, 2, 3]", Format::kAuto, 4);
    CHECK(value.format == Format::kJson);
    CHECK(value.value == "[1, ");
    CHECK(value.truncated);
}

TEST_CASE("permissions are letters", "[admin][values]") {
    CHECK(perms_of(wire::kAllPermissions) == "cdrwa");
    CHECK(perms_of(wire::kRead | wire::kAdmin) == "ra");
    CHECK(perms_of(0).empty());
    CHECK(perms_of(64 | wire::kRead) == "r");
    CHECK(permissions_of("arw") == (wire::kRead | wire::kWrite | wire::kAdmin));
    CHECK(permissions_of("") == 0);
    CHECK_FALSE(permissions_of("rr"));
    CHECK_FALSE(permissions_of("x"));
    CHECK_FALSE(permissions_of("R"));
}

}  // namespace
}  // namespace zabd::server::admin
