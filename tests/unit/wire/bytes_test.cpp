#include "wire/bytes.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace zabd {
namespace {

TEST_CASE("null and empty are different values of no content", "[wire][bytes]") {
    const Bytes null;
    const auto empty = Bytes::copy_of("");
    CHECK(null.null());
    CHECK_FALSE(empty.null());
    CHECK(null.nullable_view() == std::nullopt);
    CHECK(empty.nullable_view() == std::string_view());
    for (const auto* bytes : {&null, &empty}) {
        CHECK(bytes->size() == 0);
        CHECK(bytes->view().empty());
    }
}

TEST_CASE("a copy of nothing is null", "[wire][bytes]") {
    CHECK(Bytes::copy_of(std::optional<std::string_view>()).null());
    CHECK(Bytes::copy_of(std::optional(std::string_view("a"))).view() == "a");
}

TEST_CASE("a blob has its own copy of the content", "[wire][bytes]") {
    std::string content(1000, 'a');
    const auto bytes = Bytes::copy_of(content);
    content.assign(1000, 'b');
    CHECK(bytes.view() == std::string(1000, 'a'));
    CHECK(bytes.size() == 1000);
}

TEST_CASE("copies share the content, and it lives as long as one of them", "[wire][bytes]") {
    auto first = Bytes::copy_of("content");
    const char* const content = first.view().data();
    Bytes second = first;
    CHECK(second.view().data() == content);
    first = Bytes();
    CHECK(first.null());
    CHECK(second.view() == "content");
    const Bytes third = std::move(second);
    CHECK(second.null());  // NOLINT(bugprone-use-after-move): moved from is null
    CHECK(third.view().data() == content);
}

TEST_CASE("a blob may be assigned to itself", "[wire][bytes]") {
    auto bytes = Bytes::copy_of("content");
    const auto& same = bytes;
    bytes = same;
    CHECK(bytes.view() == "content");
}

}  // namespace
}  // namespace zabd
