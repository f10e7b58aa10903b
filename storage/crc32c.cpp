#include "storage/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace zabd::storage {

namespace {

static_assert(std::endian::native == std::endian::little, "words are loaded as they lie in memory");

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// tables[0] is the step by one byte, tables[n] that of the byte n places ahead.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
        tables[0][byte] = crc;
    }
    for (std::size_t n = 1; n < tables.size(); ++n) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const auto crc = tables[n - 1][byte];
            tables[n][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

template <class Word>
Word load(const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_sse(std::string_view content, std::uint32_t before) {
    std::uint64_t crc = ~before;
    const char* at = content.data();
    std::size_t left = content.size();
    for (; left >= 8; at += 8, left -= 8) crc = __builtin_ia32_crc32di(crc, load<std::uint64_t>(at));
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; left > 0; ++at, --left) narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
    return ~narrow;
}

const bool kHasSse = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c_by_tables(std::string_view content, std::uint32_t before) {
    std::uint32_t crc = ~before;
    const char* at = content.data();
    std::size_t left = content.size();
    for (; left >= 8; at += 8, left -= 8) {
        const std::uint64_t word = load<std::uint64_t>(at) ^ crc;
        crc = 0;
        for (std::size_t n = 0; n < 8; ++n) crc ^= kTables[7 - n][(word >> (8 * n)) & 0xff];
    }
    for (; left > 0; ++at, --left) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
    return ~crc;
}

std::uint32_t crc32c(std::string_view content, std::uint32_t before) {
#if defined(__x86_64__)
    if (kHasSse) return crc32c_by_sse(content, before);
#endif
    return crc32c_by_tables(content, before);
}

}  // namespace zabd::storage
