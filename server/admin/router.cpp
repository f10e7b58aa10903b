#include "server/admin/router.hpp"

#include <algorithm>
#include <optional>

namespace zabd::server::admin {
namespace {

/// What the * stands for; "" of a pattern without one; nullopt: another path.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
    if (!pattern.ends_with('*')) return pattern == path ? std::optional<std::string_view>{""} : std::nullopt;
    pattern.remove_suffix(1);
    if (!path.starts_with(pattern)) return std::nullopt;
    const auto rest = path.substr(pattern.size());
    // "/api/v1/tree*" is not for "/api/v1/treehouse".
    if (!rest.empty() && !rest.starts_with('/') && !pattern.ends_with('/')) return std::nullopt;
    return rest;
}

/// Of two patterns that match, the one that says more.
bool says_more(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) return one.size() > other.size();
    return !one.ends_with('*') && other.ends_with('*');
}

}  // namespace

Router::Found Router::find(std::string_view method, std::string_view path) const {
    const auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
    Found found;
    for (const auto& route : routes_) {
        const auto rest = match(route.pattern, path);
        if (!rest) continue;
        found.allowed.push_back(route.method);
        if (route.method == "GET") found.allowed.emplace_back("HEAD");
        if (route.method != wanted) continue;
        if (found.route != nullptr && !says_more(route.pattern, found.route->pattern)) continue;
        found.route = &route;
        found.rest = *rest;
    }
    if (found.route != nullptr) found.allowed.clear();
    std::ranges::sort(found.allowed);
    const auto [first, last] = std::ranges::unique(found.allowed);
    found.allowed.erase(first, last);
    return found;
}

}  // namespace zabd::server::admin
