// Quotas as clients keep them: two nodes below /zookeeper/quota, with text of "count=N,bytes=N" and optionally
// "=;byteHardLimit=N;countHardLimit=N".
#pragma once

#include "zabctl/values.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zabd::zabctl {

/// Limits, or what is used of them.
struct Quota {
    static constexpr std::int64_t kUnset = -1;
    static constexpr std::size_t kLimits = 4;

    std::int64_t count = kUnset;  // nodes
    std::int64_t bytes = kUnset;
    std::int64_t count_hard = kUnset;
    std::int64_t bytes_hard = kUnset;

    [[nodiscard]] std::array<std::int64_t*, kLimits> limits() { return {&count, &bytes, &count_hard, &bytes_hard}; }
    friend bool operator==(const Quota&, const Quota&) = default;
};

inline constexpr std::string_view kQuotaRoot = "/zookeeper/quota";
[[nodiscard]] std::string quota_path(std::string_view path);
[[nodiscard]] std::string limits_path(std::string_view path);
[[nodiscard]] std::string stats_path(std::string_view path);

/// What does not parse is unset, as servers take it.
[[nodiscard]] Quota parse_quota(std::string_view text);
[[nodiscard]] std::string text_of(const Quota& quota);
[[nodiscard]] Json json_of(const Quota& quota);  // null where unset
/// What `changes` sets replaces what `quota` has.
void merge(Quota& quota, Quota changes);

}  // namespace zabd::zabctl
