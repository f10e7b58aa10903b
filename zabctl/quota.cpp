#include "zabctl/quota.hpp"

#include <fmt/format.h>

#include <charconv>

namespace zabd::zabctl {
namespace {

std::int64_t number_behind(std::string_view text, std::string_view key) {
    std::int64_t number = Quota::kUnset;
    const auto found = text.find(key);
    if (found != std::string_view::npos) {
        const auto* begin = text.data() + found + key.size();
        std::from_chars(begin, text.data() + text.size(), number);
    }
    return number;
}

std::string below_root(std::string_view path, std::string_view name) {
    return fmt::format("{}{}{}", kQuotaRoot, path, name);
}

Json or_null(std::int64_t number) { return number == Quota::kUnset ? Json() : Json(number); }

}  // namespace

std::string quota_path(std::string_view path) { return below_root(path, ""); }
std::string limits_path(std::string_view path) { return below_root(path, "/zookeeper_limits"); }
std::string stats_path(std::string_view path) { return below_root(path, "/zookeeper_stats"); }

Quota parse_quota(std::string_view text) {
    return {.count = number_behind(text, "count="),
            .bytes = number_behind(text, "bytes="),
            .count_hard = number_behind(text, "countHardLimit="),
            .bytes_hard = number_behind(text, "byteHardLimit=")};
}

std::string text_of(const Quota& quota) {
    auto text = fmt::format("count={},bytes={}", quota.count, quota.bytes);
    if (quota.bytes_hard != Quota::kUnset || quota.count_hard != Quota::kUnset) {
        text += '=';  // readers of before the hard limits stop here
        if (quota.bytes_hard != Quota::kUnset) text += fmt::format(";byteHardLimit={}", quota.bytes_hard);
        if (quota.count_hard != Quota::kUnset) text += fmt::format(";countHardLimit={}", quota.count_hard);
    }
    return text;
}

Json json_of(const Quota& quota) {
    return {{"count", or_null(quota.count)},
            {"bytes", or_null(quota.bytes)},
            {"count_hard", or_null(quota.count_hard)},
            {"bytes_hard", or_null(quota.bytes_hard)}};
}

void merge(Quota& quota, Quota changes) {
    for (std::size_t i = 0; i < Quota::kLimits; ++i) {
        if (*changes.limits()[i] != Quota::kUnset) *quota.limits()[i] = *changes.limits()[i];
    }
}

}  // namespace zabd::zabctl
