// Bytes as tests write and show them: hexadecimal digits, with blanks where they help to read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace zabd::wire {

/// "00ff" without the blanks of "00 ff".
inline std::string operator""_packed(const char* text, std::size_t size) {
    std::string digits(text, size);
    std::erase(digits, ' ');
    return digits;
}

inline std::string hex(std::string_view bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string digits;
    for (const char byte : bytes) {
        digits += kDigits[static_cast<unsigned char>(byte) / 16];
        digits += kDigits[static_cast<unsigned char>(byte) % 16];
    }
    return digits;
}

inline std::string unhex(std::string digits) {
    std::erase(digits, ' ');
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

}  // namespace zabd::wire
