#include "server/version.hpp"

#include <fmt/format.h>

namespace zabd::server {
namespace {

constexpr std::string_view kCommit = ZABD_COMMIT;

}  // namespace

std::string_view zabd_version() { return ZABD_VERSION; }

std::string zabd_version_text() {
    const auto commit = kCommit.empty() ? std::string() : fmt::format("commit {}, ", kCommit);
    return fmt::format("{} ({}built on {})", ZABD_VERSION, commit, ZABD_BUILT_ON);
}

std::string zookeeper_version_text() {
    const auto commit = kCommit.empty() ? std::string() : fmt::format("-{}", kCommit);
    return fmt::format("{}-zabd-{}{}, built on {}", kZooKeeperVersion, ZABD_VERSION, commit, ZABD_BUILT_ON);
}

}  // namespace zabd::server
