// A live copy of a node and all below it, to look things up without asking the server, and a stream of its changes.
//
//     TreeCache cache(client, "/app");
//     co_await cache.ready();
//     if (const auto* node = cache.find("/app/limits")) use(node->data);
//     for (;;) { const auto event = co_await cache.next(); ... }
//
// Layout    any tree below `path`, which need not exist. As Curator's CuratorCache, it asks for one persistent recursive
//           watch, so the server must be of 3.6 or later.
// Promises  the copy is what the server had a moment ago, and becomes what it has: an event of the watch only says what
//           to read again, and an answer counts only if no event of its node came after it was asked for. Nodes that
//           were deleted and made anew are seen as such, by their czxid. States in between may be passed over.
// Gaps      while the connection is down the watch misses events: from then on fresh() is false (kStale), and after the
//           reconnection all of the tree is read again, after which it is true again (kFresh) and what has changed was
//           in the stream. Lookups answer from the old copy meanwhile.
// Pacing    reads are asked in groups of 32 nodes, one group at a time, when loading as for changes.
// Bounds    a tree above nodes_max or bytes_max stops it, with std::errc::no_buffer_space. Of events that nobody takes,
//           events_max are kept; then all are dropped and kLagged stands for them: look at the copy anew.
// Failure   what may pass is tried again after growing pauses. What does not pass stops it: ready() and next() throw it
//           then. Nodes that we may not read are not in the copy.
// Lifetime  runs in the background on the client's executor, from its construction to its destruction or close(), which
//           come before the client's.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::recipes {

struct TreeCacheOptions {
    std::size_t nodes_max = 1'000'000;
    std::size_t bytes_max = 256u << 20;  // of paths and data
    std::size_t events_max = 16'384;
};

struct TreeEvent {
    enum class Type : std::uint8_t { kAdded, kChanged, kRemoved, kFresh, kStale, kLagged };
    Type type{};
    std::string path{};  // of the first three: look it up

    friend bool operator==(const TreeEvent&, const TreeEvent&) = default;
};

class TreeCache {
public:
    TreeCache(client::Client& client, std::string path, const TreeCacheOptions& options = {});
    TreeCache(TreeCache&&) noexcept;
    TreeCache& operator=(TreeCache&&) noexcept;
    ~TreeCache();

    /// Waits until the copy is fresh. kClosed after close().
    boost::asio::awaitable<void> ready();
    /// The next event; waits for it. One call at a time. kClosed after close().
    boost::asio::awaitable<TreeEvent> next();
    /// Whether all has been read since the connection was made, and the connection is there to tell of changes.
    [[nodiscard]] bool fresh() const;

    /// nullptr: no such node. Until the next co_await.
    [[nodiscard]] const client::NodeData* find(std::string_view path) const;
    /// Names of the children, in order.
    [[nodiscard]] std::vector<std::string> children(std::string_view path) const;
    [[nodiscard]] std::size_t size() const;

    /// Why it has stopped; no error while it goes on.
    [[nodiscard]] boost::system::error_code failure() const;
    void close();

private:
    class Loader;
    std::shared_ptr<Loader> loader_;
};

}  // namespace zabd::recipes
