#include "recipes/config_watch.hpp"

#include "recipes/waiting.hpp"

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Errc;
using client::NodeData;

asio::awaitable<std::optional<NodeData>> ConfigWatch::next() {
    for (;;) {
        if (!armed_) {
            auto node = co_await read();
            armed_ = true;
            const auto identity = node ? Identity(node->stat.czxid, node->stat.mzxid) : Identity();
            if (given_ != identity) {
                given_ = identity;
                co_return node;
            }
        }
        const bool stale = co_await stale_until(watch_, kNever);
        armed_ = !stale;
    }
}

asio::awaitable<std::optional<NodeData>> ConfigWatch::read() {
    for (;;) {
        auto [missing, node] = co_await client_.get(path_, {.watch = &watch_, .linearizable = true}, as_value);
        if (!missing) co_return std::move(node);
        if (co_await session_renewed(client_, missing)) continue;
        if (missing != Errc::kNoNode) throw_if(missing);
        const auto [error, appeared] = co_await client_.exists(path_, {.watch = &watch_}, as_value);
        if (co_await session_renewed(client_, error)) continue;
        throw_if(error);
        if (!appeared) co_return std::nullopt;
    }
}

}  // namespace zabd::recipes
