#include "storage/crc32c.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace zabd::storage;

TEST_CASE("crc32c gives the values of the standard", "[storage][crc32c]") {
    struct Case {
        std::string content;
        std::uint32_t crc;
    };
    // The check value of the polynomial, then the examples of RFC 3720, B.4.
    const auto c = GENERATE(values<Case>({
        {"", 0},
        {"123456789", 0xe3069283},
        {std::string(32, '\0'), 0x8a9136aa},
        {std::string(32, '\xff'), 0x62a8ab43},
    }));
    CHECK(crc32c(c.content) == c.crc);
    CHECK(crc32c_by_tables(c.content) == c.crc);
}

TEST_CASE("crc32c is the same by tables, by the processor, whole and in parts", "[storage][crc32c]") {
    std::mt19937 random(1);
    std::string content(300, '\0');
    for (auto& byte : content) byte = static_cast<char>(random());
    const std::string_view all(content);
    for (std::size_t size = 0; size <= all.size(); ++size) {
        const auto part = all.substr(all.size() - size);  // at every alignment
        const auto middle = random() % (size + 1);
        REQUIRE(crc32c(part) == crc32c_by_tables(part));
        REQUIRE(crc32c(part.substr(middle), crc32c(part.substr(0, middle))) == crc32c(part));
    }
}
