// Quotas: limits that clients write below /zookeeper/quota, and the usage that the server keeps beside them.
//
// Nodes     /zookeeper/quota/P/zookeeper_limits and .../zookeeper_stats; text "count=N,bytes=N" and optionally
//           "=;byteHardLimit=N;countHardLimit=N"; -1 is unset. What does not parse counts as unset: the nodes are
//           ordinary ones, writable by clients.
// Usage     of a quota: the nodes of which it is the deepest one at or above, its own node among them; bytes are data
//           only. Counted here and never read back from the text: that is for clients to see, and to spoil.
// Ignored   quotas on the root and on the reserved tree, which keeps the texts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::znode {

class Tree;

struct QuotaText {
    std::int64_t count = -1;
    std::int64_t bytes = -1;
    std::int64_t count_hard = -1;
    std::int64_t bytes_hard = -1;
};

[[nodiscard]] QuotaText parse_quota(std::string_view text);
[[nodiscard]] std::string usage_text(std::int64_t count, std::int64_t bytes);

/// What a path below /zookeeper/quota is for.
struct QuotaNode {
    enum class Role : std::uint8_t { kLimits, kStats };
    Role role = Role::kLimits;
    std::string_view quota_path;  // the path that bears the quota
};
/// nullopt: for nothing.
[[nodiscard]] std::optional<QuotaNode> quota_node(std::string_view path);
[[nodiscard]] std::string limits_path(std::string_view quota_path);
[[nodiscard]] std::string stats_path(std::string_view quota_path);

struct QuotaDelta {
    std::int64_t count = 0;
    std::int64_t bytes = 0;

    QuotaDelta& operator+=(const QuotaDelta& other) {
        count += other.count;
        bytes += other.bytes;
        return *this;
    }
    friend QuotaDelta operator-(const QuotaDelta& delta) { return {-delta.count, -delta.bytes}; }
    friend bool operator==(const QuotaDelta&, const QuotaDelta&) = default;
};

/// Which paths bear a quota, and how much of it is used. Part of the state, derived from the tree.
class Quotas {
public:
    /// Path of the deepest quota at or above `path`; nullopt: none.
    [[nodiscard]] std::optional<std::string_view> covering(std::string_view path) const;
    /// Counts what is there by walking, unless the quota is known.
    [[nodiscard]] QuotaDelta usage(const Tree& tree, std::string_view quota_path) const;

    /// A quota that is known already stays as it is. A shallower one loses what this one covers from now on, and gets
    /// it back from remove().
    void add(const Tree& tree, std::string_view quota_path);
    void remove(std::string_view quota_path);
    /// A change at or below a known quota that is the deepest there.
    void charge(std::string_view quota_path, QuotaDelta delta);

    [[nodiscard]] bool empty() const { return usage_of_.empty(); }
    /// O(n): every usage recounted. For tests and the simulator.
    void check_invariants(const Tree& tree) const;

private:
    [[nodiscard]] QuotaDelta* usage_above(std::string_view quota_path);

    std::map<std::string, QuotaDelta, std::less<>> usage_of_;
};

/// Would `delta` at `path` break a hard limit, by the usage that is applied?
[[nodiscard]] bool exceeds_hard_quota(const Tree& tree, const Quotas& quotas, std::string_view path, QuotaDelta delta);

/// Count and bytes at and below `path`, by walking.
[[nodiscard]] QuotaDelta usage_of(const Tree& tree, std::string_view path);

}  // namespace zabd::znode
