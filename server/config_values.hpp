// Values of zoo.cfg as ZooKeeper reads them, for who says what keys do.
#pragma once

#include "server/config_keys.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::server {

inline constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();

inline KeyOutcome fine() { return {}; }
inline KeyOutcome warning(std::string text) { return {.kind = KeyOutcome::Kind::kWarning, .text = std::move(text)}; }
inline KeyOutcome error(std::string text) { return {.kind = KeyOutcome::Kind::kError, .text = std::move(text)}; }
/// The same, where the value is not for everybody's eyes.
inline KeyOutcome secretly(KeyOutcome outcome) {
    outcome.secret = true;
    return outcome;
}

[[nodiscard]] bool equal_but_for_case(std::string_view lower, std::string_view value);
[[nodiscard]] std::optional<std::int64_t> number(std::string_view value);
/// Without blanks around the items, and without empty ones.
[[nodiscard]] std::vector<std::string> comma_list(std::string_view value);

struct Range {
    std::int64_t min = 0;
    std::int64_t max = kIntMax;
    const char* unit = "";
};
inline constexpr Range kAnyInt{.min = -kIntMax - 1};

/// The number, or what it should have been.
struct NumberOrWhy {
    std::int64_t number = 0;
    std::string why;
};
[[nodiscard]] NumberOrWhy number_in(std::string_view value, const Range& range);

/// Hands a number in the range to `take`; tells what it should have been otherwise.
template <class Take>
KeyOutcome with_number(std::string_view value, const Range& range, const Take& take) {
    auto result = number_in(value, range);
    if (!result.why.empty()) return error(std::move(result.why));
    take(result.number);
    return fine();
}

/// Keys that ZooKeeper's parser reads: anything but true and false is an error.
template <class Take>
KeyOutcome with_bool(std::string_view value, const Take& take) {
    const bool yes = equal_but_for_case("true", value);
    if (!yes && !equal_but_for_case("false", value)) return error("is neither true nor false");
    return take(yes);
}

/// Keys that are properties to ZooKeeper: all but true is false.
template <class Take>
KeyOutcome with_flag(std::string_view value, const Take& take) {
    const bool yes = equal_but_for_case("true", value);
    take(yes);
    if (yes || equal_but_for_case("false", value)) return fine();
    return warning("is neither true nor false: taken as false, as ZooKeeper does");
}

}  // namespace zabd::server
