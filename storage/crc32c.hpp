// CRC-32C (Castagnoli): the checksum of everything that storage writes.
//
// Form      reflected polynomial 0x82f63b78, initial value and final xor all ones: crc32c("123456789") = 0xe3069283.
// Speed     the SSE4.2 instruction where the processor has it (asked once, at run time), else eight tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace zabd::storage {

/// `before` is the checksum of what came before `content`: crc32c("ab") == crc32c("b", crc32c("a")).
[[nodiscard]] std::uint32_t crc32c(std::string_view content, std::uint32_t before = 0);

/// The same without the processor's help; for tests.
[[nodiscard]] std::uint32_t crc32c_by_tables(std::string_view content, std::uint32_t before = 0);

}  // namespace zabd::storage
