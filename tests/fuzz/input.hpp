// Choices taken from a fuzzer's bytes. When they run out, every further choice is the first one.
#pragma once

#include "wire/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zabd::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    std::uint8_t byte() {
        const auto taken = take(1);
        return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
    }
    /// 0 to 65535.
    std::size_t number() {
        const std::size_t high = byte();
        return high << 8 | byte();
    }
    /// 0 to count - 1.
    std::size_t below(std::size_t count) {
        ZABD_ASSERT(count > 0);
        return (count <= 256 ? byte() : number()) % count;
    }
    /// As many bytes as the next two say, if there are so many.
    std::string_view text() { return take(number()); }
    std::string_view short_text() { return take(byte()); }
    std::string_view rest() { return take(left_.size()); }

private:
    std::string_view take(std::size_t size) {
        const auto taken = left_.substr(0, size);
        left_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view left_;
};

}  // namespace zabd::fuzz
