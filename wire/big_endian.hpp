// Numbers as they stand in bytes on the wire and on disk: the highest byte first.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace zabd {

template <std::unsigned_integral Unsigned>
[[nodiscard]] constexpr Unsigned big_endian(Unsigned value) {
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

/// Writes sizeof value bytes, aligned or not.
template <std::unsigned_integral Unsigned>
void store_big_endian(void* to, Unsigned value) {
    value = big_endian(value);
    std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral Unsigned>
[[nodiscard]] Unsigned load_big_endian(const void* from) {
    Unsigned value;
    std::memcpy(&value, from, sizeof value);
    return big_endian(value);
}

}  // namespace zabd
