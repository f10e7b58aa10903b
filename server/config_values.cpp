#include "server/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace zabd::server {

bool equal_but_for_case(std::string_view lower, std::string_view value) {
    const auto lowered = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(lower, value, {}, {}, lowered);
}

std::optional<std::int64_t> number(std::string_view value) {
    if (value.starts_with('+')) value.remove_prefix(1);
    std::int64_t result = 0;
    const auto [stopped, code] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (value.empty() || code != std::errc() || stopped != value.data() + value.size()) return std::nullopt;
    return result;
}

std::vector<std::string> comma_list(std::string_view value) {
    std::vector<std::string> items;
    while (!value.empty()) {
        auto item = value.substr(0, value.find(','));
        value.remove_prefix(std::min(value.size(), item.size() + 1));
        const auto first = item.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        items.emplace_back(item.substr(first, item.find_last_not_of(" \t") - first + 1));
    }
    return items;
}

NumberOrWhy number_in(std::string_view value, const Range& range) {
    const auto result = number(value);
    if (!result) return {.number = 0, .why = fmt::format("is not a number{}", range.unit)};
    if (*result < range.min || *result > range.max) {
        return {.number = 0, .why = fmt::format("is not from {} to {}", range.min, range.max)};
    }
    return {.number = *result, .why = {}};
}

}  // namespace zabd::server
