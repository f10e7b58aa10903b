#include "recipes/barrier.hpp"

#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Errc;

asio::awaitable<bool> Barrier::set() {
    for (;;) {
        const auto [error, created] = co_await client_.create(path_, {}, {}, as_value);
        if (error == Errc::kNodeExists) co_return false;
        if (error != Errc::kNoNode) {
            throw_if(error);
            co_return true;
        }
        co_await ensure_parent(client_, path_);
    }
}

asio::awaitable<bool> Barrier::remove() {
    const auto [error] = co_await client_.remove(path_, {}, as_value);
    if (error == Errc::kNoNode) co_return false;
    throw_if(error);
    co_return true;
}

asio::awaitable<void> Barrier::wait() { co_await wait_until(kNever); }

asio::awaitable<bool> Barrier::wait_for(client::Millis timeout) { return wait_until(deadline_in(timeout)); }

asio::awaitable<bool> Barrier::wait_until(Deadline deadline) {
    auto watch = client_.make_watch();
    for (;;) {
        // Its data, which it has none of: unlike that of exists(), this watch is not armed where there is no node.
        const client::ReadOptions options{.watch = &watch, .linearizable = true, .timeout = time_left(deadline)};
        const auto [error, node] = co_await client_.get(path_, options, as_value);
        if (error == Errc::kNoNode) co_return true;
        if (ran_out(error, deadline)) co_return false;
        if (co_await session_renewed(client_, error, deadline)) continue;
        throw_if(error);
        const bool stale = co_await stale_until(watch, deadline);
        if (!stale) co_return false;
    }
}

}  // namespace zabd::recipes
