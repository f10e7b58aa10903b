#include "recipes/queue_claim.hpp"

#include "recipes/waiting.hpp"

#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::Errc;

QueueClaim::QueueClaim(client::Client& client, std::string entry_path, Messages messages, QueueLock lock)
    : client_(&client), entry_path_(std::move(entry_path)), messages_(std::move(messages)), lock_(std::move(lock)) {}

asio::awaitable<bool> QueueClaim::done() {
    client::Multi multi;
    multi.remove(entry_path_);
    lock_.add_removal(multi);
    for (;;) {
        const auto [error, results] = co_await client_->multi(multi, {}, as_value);
        if (!error) break;
        if (error == Errc::kNoNode) co_return false;
        if (client::may_have_been_applied(error)) {
            const auto [unknown, entry] = co_await client_->exists(entry_path_, {.linearizable = true}, as_value);
            if (!unknown && !entry) break;
        } else if (!co_await session_renewed(*client_, error)) {
            throw_if(error);
        }
    }
    lock_.forget();
    co_return true;
}

asio::awaitable<void> QueueClaim::give_back() { co_await lock_.remove(); }

}  // namespace zabd::recipes
