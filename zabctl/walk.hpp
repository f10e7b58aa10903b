// A subtree's nodes, depth first, siblings sorted, fetched ahead in batches of one request.
//
// Memory    the names of the siblings along the way, and of one batch at each depth.
// Races     no snapshot: what is deleted meanwhile is left out, what is made behind the walk is not seen.
// Errors    Failure: kNoNode for the root alone, kNotAllowed for any node.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace zabd::zabctl {

struct Visit {
    std::string path;
    std::size_t depth = 0;  // 0: the root of the walk
    bool last_sibling = true;
    std::size_t children = 0;
};

class Walk {
public:
    static constexpr auto kNoLimit = std::numeric_limits<std::size_t>::max();

    /// Does not go below `depth_max`.
    Walk(client::Client& client, std::string root, std::size_t depth_max = kNoLimit);

    /// nullopt behind the last one.
    boost::asio::awaitable<std::optional<Visit>> next();

private:
    struct Entry {
        std::string path;
        std::size_t depth = 0;
        bool last_sibling = true;
        bool fetched = false;
        bool gone = false;
        std::vector<std::string> names = {};  // once fetched
    };
    boost::asio::awaitable<void> fetch();
    void take(Entry& entry, client::MultiReadResult& result) const;
    void push_children(const Entry& entry);

    client::Client& client_;
    std::size_t depth_max_;
    std::vector<Entry> stack_;  // what is still to be visited, the next one last
};

/// All paths of the subtree, parents before their children.
boost::asio::awaitable<std::vector<std::string>> all_paths(client::Client& client, std::string root);

/// "/a" and "b" give "/a/b"; "/" and "b" give "/b".
[[nodiscard]] std::string child_path(std::string_view parent, std::string_view name);

}  // namespace zabd::zabctl
