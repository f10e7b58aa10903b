// A number as the data of a node.
//
// Effects   none.
// Source    Curator's DistributedAtomicLong, SharedCount and DistributedAtomicInteger; kazoo's Counter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::recipes {

enum class NumberForm : std::uint8_t {
    kLong,  // 8 bytes, big-endian
    kInt,   // 4 bytes, big-endian: from -2147483648 to 2147483647
    kText,  // decimal; kazoo's, without fractions
};

/// nullopt: it does not fit.
[[nodiscard]] std::optional<std::string> encode_number(NumberForm form, std::int64_t number);

/// No data are zero; nullopt: data of another form.
[[nodiscard]] std::optional<std::int64_t> decode_number(NumberForm form, std::string_view data);

}  // namespace zabd::recipes
