// Which zabd this is, and which ZooKeeper it behaves as.
#pragma once

#include <string>
#include <string_view>

namespace zabd::server {

/// The release whose semantics and formats are shown: clients and monitors test features by this number.
inline constexpr std::string_view kZooKeeperVersion = "3.9.5";

/// "0.1.0"
[[nodiscard]] std::string_view zabd_version();
/// "0.1.0 (commit 0123456789ab, built on 2026-11-22 08:40 UTC)"
[[nodiscard]] std::string zabd_version_text();
/// "3.9.5-zabd-0.1.0-0123456789ab, built on 2026-11-22 08:40 UTC": in the form that parsers of ZooKeeper's expect.
[[nodiscard]] std::string zookeeper_version_text();

}  // namespace zabd::server
