#include "recipes/paths.hpp"

#include <algorithm>

namespace zabd::recipes {

std::string child_of(std::string_view path, std::string_view name) {
    std::string child(path);
    if (!child.ends_with('/')) child += '/';
    return child.append(name);
}

std::string_view parent_of(std::string_view path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

boost::asio::awaitable<void> ensure_parent(client::Client& client, std::string path) {
    co_await client.ensure_path(std::string(parent_of(path)));
}

}  // namespace zabd::recipes
