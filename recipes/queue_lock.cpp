#include "recipes/queue_lock.hpp"

#include "client/random_id.hpp"
#include "recipes/attempts.hpp"
#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::error_code;
using client::CreateMode;
using client::Errc;

asio::awaitable<std::optional<QueueLock>> QueueLock::acquire(client::Client& client, std::string lock_path,
                                                             std::string entry) {
    auto lock = child_of(lock_path, entry);
    auto mark = child_of(lock_path, "_c_" + client::random_id());
    client::Multi multi;
    multi.create(lock, {}, {.mode = CreateMode::kEphemeral}).create(mark, {}, {.mode = CreateMode::kEphemeral});
    for (;;) {
        const auto [error, results] = co_await client.multi(multi, {}, as_value);
        if (!error) break;
        if (error == Errc::kNodeExists) co_return std::nullopt;
        if (error == Errc::kNoNode) {
            co_await client.ensure_path(lock_path);
            continue;
        }
        if (co_await session_renewed(client, error)) continue;
        if (!client::may_have_been_applied(error)) throw_if(error);
        const auto [unknown, marked] = co_await client.exists(mark, {.linearizable = true}, as_value);
        if (!unknown && marked) break;
        if (co_await session_renewed(client, unknown)) continue;
        throw_if(unknown);
    }
    co_return QueueLock(client, std::move(lock), std::move(mark));
}

QueueLock::QueueLock(client::Client& client, std::string lock, std::string mark)
    : executor_(client.get_executor()), lock_(std::move(lock)), mark_(std::move(mark)) {
    client::Multi multi;
    add_removal(multi);
    // A deferred operation is a value that can be started again and again, without its Client.
    removal_ = [remove = client.multi(multi, {}, asio::deferred)]() -> asio::awaitable<error_code> {
        const auto [error, results] = co_await remove(as_value);
        co_return error;
    };
}

QueueLock::QueueLock(QueueLock&& other) noexcept
    : executor_(std::move(other.executor_)),
      lock_(std::move(other.lock_)),
      mark_(std::move(other.mark_)),
      removal_(std::exchange(other.removal_, nullptr)) {}

QueueLock& QueueLock::operator=(QueueLock&& other) noexcept {
    std::swap(executor_, other.executor_);
    std::swap(lock_, other.lock_);
    std::swap(mark_, other.mark_);
    std::swap(removal_, other.removal_);
    return *this;
}

QueueLock::~QueueLock() {  // NOLINT(bugprone-exception-escape): without memory for a coroutine
    if (removal_) asio::co_spawn(executor_, persist(std::move(removal_)), asio::detached);
}

void QueueLock::add_removal(client::Multi& multi) const { multi.remove(mark_).remove(lock_); }

asio::awaitable<void> QueueLock::remove() {
    auto removal = std::exchange(removal_, nullptr);
    if (!removal) co_return;
    // In a coroutine of its own, whose end lets the timer expire: cancelling the wait leaves it running.
    const auto ended = std::make_shared<asio::steady_timer>(executor_, kNever);
    const auto expire = [ended](const std::exception_ptr&) { ended->expires_after(client::Millis{0}); };
    asio::co_spawn(executor_, persist(std::move(removal)), expire);
    co_await ended->async_wait(as_value);
}

}  // namespace zabd::recipes
