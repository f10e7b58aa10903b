#include "znode/quota.hpp"

#include "wire/assert.hpp"
#include "znode/path.hpp"
#include "znode/tree.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace zabd::znode {

namespace {

constexpr std::string_view kLimitsName = "/zookeeper_limits";
constexpr std::string_view kStatsName = "/zookeeper_stats";

/// -1 for what is no number.
std::int64_t number_or_unset(std::string_view text) {
    std::int64_t number = -1;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stopped == end ? number : -1;
}

bool can_bear_quota(std::string_view path) {
    return path.size() > 1 && path != kSystemPath && !path.starts_with("/zookeeper/");
}

}  // namespace

QuotaText parse_quota(std::string_view text) {
    QuotaText quota;
    while (!text.empty()) {
        const auto item = text.substr(0, text.find_first_of(",;"));
        text.remove_prefix(std::min(item.size() + 1, text.size()));
        const auto equals = item.find('=');
        if (equals == std::string_view::npos) continue;
        const auto key = item.substr(0, equals);
        const auto rest = item.substr(equals + 1);
        const auto value = number_or_unset(rest.substr(0, rest.find('=')));  // one more may introduce the hard limits
        if (key == "count") quota.count = value;
        if (key == "bytes") quota.bytes = value;
        if (key == "countHardLimit") quota.count_hard = value;
        if (key == "byteHardLimit") quota.bytes_hard = value;
    }
    return quota;
}

std::string usage_text(std::int64_t count, std::int64_t bytes) {
    return "count=" + std::to_string(count) + ",bytes=" + std::to_string(bytes);
}

std::optional<QuotaNode> quota_node(std::string_view path) {
    if (!path.starts_with(kQuotaPath)) return std::nullopt;
    path.remove_prefix(kQuotaPath.size());
    if (!path.starts_with('/')) return std::nullopt;
    QuotaNode node;
    if (path.ends_with(kLimitsName)) {
        node = {QuotaNode::Role::kLimits, path.substr(0, path.size() - kLimitsName.size())};
    } else if (path.ends_with(kStatsName)) {
        node = {QuotaNode::Role::kStats, path.substr(0, path.size() - kStatsName.size())};
    }
    return can_bear_quota(node.quota_path) ? std::optional(node) : std::nullopt;
}

std::string limits_path(std::string_view quota_path) {
    return std::string(kQuotaPath).append(quota_path).append(kLimitsName);
}

std::string stats_path(std::string_view quota_path) {
    return std::string(kQuotaPath).append(quota_path).append(kStatsName);
}

std::optional<std::string_view> Quotas::covering(std::string_view path) const {
    if (usage_of_.empty()) return std::nullopt;
    for (; path.size() > 1; path = parent_path(path)) {
        if (const auto found = usage_of_.find(path); found != usage_of_.end()) return found->first;
    }
    return std::nullopt;
}

QuotaDelta Quotas::usage(const Tree& tree, std::string_view quota_path) const {
    if (const auto known = usage_of_.find(quota_path); known != usage_of_.end()) return known->second;
    auto usage = usage_of(tree, quota_path);
    const auto below = std::string(quota_path) + '/';
    for (auto deeper = usage_of_.lower_bound(below); deeper != usage_of_.end(); ++deeper) {
        if (!deeper->first.starts_with(below)) break;
        usage += -deeper->second;
    }
    return usage;
}

void Quotas::add(const Tree& tree, std::string_view quota_path) {
    if (usage_of_.contains(quota_path)) return;
    const auto usage_here = usage(tree, quota_path);
    if (auto* above = usage_above(quota_path)) *above += -usage_here;
    usage_of_.emplace(quota_path, usage_here);
}

void Quotas::remove(std::string_view quota_path) {
    const auto found = usage_of_.find(quota_path);
    if (found == usage_of_.end()) return;
    if (auto* above = usage_above(quota_path)) *above += found->second;
    usage_of_.erase(found);
}

void Quotas::charge(std::string_view quota_path, QuotaDelta delta) {
    const auto found = usage_of_.find(quota_path);
    ZABD_ASSERT(found != usage_of_.end());
    found->second += delta;
    ZABD_ASSERT(found->second.count >= 0);
    ZABD_ASSERT(found->second.bytes >= 0);
}

QuotaDelta* Quotas::usage_above(std::string_view quota_path) {
    const auto above = covering(parent_path(quota_path));
    return above ? &usage_of_.find(*above)->second : nullptr;
}

void Quotas::check_invariants(const Tree& tree) const {
    Quotas recounted;
    for (const auto& [path, usage] : usage_of_) recounted.add(tree, path);
    ZABD_ASSERT(recounted.usage_of_ == usage_of_);
}

bool exceeds_hard_quota(const Tree& tree, const Quotas& quotas, std::string_view path, QuotaDelta delta) {
    const auto quota_path = quotas.covering(path);
    if (!quota_path) return false;
    const Node* limits = tree.find(limits_path(*quota_path));
    if (!limits) return false;
    const auto limit = parse_quota(limits->data.view());
    const auto usage = quotas.usage(tree, *quota_path);
    const bool count_exceeded =
        delta.count != 0 && limit.count_hard >= 0 && usage.count + delta.count > limit.count_hard;
    const bool bytes_exceeded =
        delta.bytes != 0 && limit.bytes_hard >= 0 && usage.bytes + delta.bytes > limit.bytes_hard;
    return count_exceeded || bytes_exceeded;
}

QuotaDelta usage_of(const Tree& tree, std::string_view path) {
    QuotaDelta usage;
    const Node* top = tree.find(path);
    if (!top) return usage;
    tree.for_each_in_subtree(
        *top, [&](const Node& node) { usage += {.count = 1, .bytes = static_cast<std::int64_t>(node.data.size())}; });
    return usage;
}

}  // namespace zabd::znode
