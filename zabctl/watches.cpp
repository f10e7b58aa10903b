#include "zabctl/watches.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace zabd::zabctl {

namespace asio = boost::asio;
using client::EventType;
using client::WatcherType;

const char* name_of(WatcherType type) {
    switch (type) {
        case WatcherType::kChildren: return "children";
        case WatcherType::kData: return "data";
        case WatcherType::kAny: return "any";
        case WatcherType::kPersistent: return "persistent";
        case WatcherType::kPersistentRecursive: return "recursive";
    }
    return "?";
}

void Watches::attach(client::Client& client) {
    armed_.clear();
    watch_ = client.make_watch();
}

void Watches::detach() {
    armed_.clear();
    watch_.close();
}

void Watches::tell_all(const asio::any_io_executor& executor, Tell tell) {
    asio::co_spawn(executor, tell_on(std::move(tell)), asio::detached);
}

void Watches::forget(const std::string& path, WatcherType type) {
    std::erase_if(armed_, [&](const ArmedWatch& armed) {
        return armed.path == path && (type == WatcherType::kAny || armed.type == type);
    });
}

asio::awaitable<std::optional<client::Event>> Watches::next() {
    auto [error, event] = co_await watch_.next(asio::as_tuple(asio::use_awaitable));
    if (error) co_return std::nullopt;  // without a look at *this: it may be gone
    const bool of_children = event.type == EventType::kChildrenChanged || event.type == EventType::kDeleted;
    const bool of_data = event.type != EventType::kChildrenChanged;
    if (of_children) forget(event.path, WatcherType::kChildren);
    if (of_data) forget(event.path, WatcherType::kData);
    co_return std::move(event);
}

asio::awaitable<void> Watches::tell_on(Tell tell) {
    while (const auto event = co_await next()) tell(*event);
}

}  // namespace zabd::zabctl
