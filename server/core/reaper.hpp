// Containers and TTL nodes whose time has come.
//
// Rule      looked for once every interval: a container without children that had one (or is older than the limit for
//           never used ones), and a TTL node without children whose last change is longer ago than its TTL. What is
//           found is handed out at a bounded pace; each is checked again when its deletion is prepared.
// Time      ages by the wall clock, as ctime and mtime are; the interval by the monotonic one.
#pragma once

#include "server/core/options.hpp"
#include "wire/time.hpp"
#include "znode/tree.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace zabd::core {

class Reaper {
public:
    explicit Reaper(const Options& options)
        : interval_(options.reap_interval),
          pause_(Millis(60'000 / std::max<std::uint32_t>(options.reaps_per_minute_max, 1))),
          never_used_max_(options.never_used_container_max) {}

    /// Path of a node to delete now; nullopt: none for the time being. Ask again until then.
    std::optional<std::string> next(const znode::Tree& tree, const Now& now);

private:
    void look(const znode::Tree& tree, WallTime wall);
    [[nodiscard]] bool due(const znode::Node& node, WallTime wall) const;

    Millis interval_;
    Millis pause_;  // between two deletions
    Millis never_used_max_;
    std::optional<Instant> look_at_;
    Instant next_at_{};
    std::deque<std::string> found_;
};

}  // namespace zabd::core
