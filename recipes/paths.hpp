// Paths of nodes: their parts, and what stands above them.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace zabd::recipes {

/// "/a" and "b" give "/a/b"; the root gives "/b".
[[nodiscard]] std::string child_of(std::string_view path, std::string_view name);
/// "/" for nodes directly below the root, and for the root.
[[nodiscard]] std::string_view parent_of(std::string_view path);

/// Makes the nodes above `path` as needed, those of a chroot included.
boost::asio::awaitable<void> ensure_parent(client::Client& client, std::string path);

}  // namespace zabd::recipes
