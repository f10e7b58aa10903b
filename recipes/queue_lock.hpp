// The lock on an entry of a queue: while it stands nobody else works on the entry.
//
// Layout    two ephemeral nodes below the queue's lock path: one with the entry's name, which is the lock, and `_c_<id>`,
//           the mark of who holds it. They are made and removed together.
// Why two   after our session's end another consumer may lock the same entry, under the same name. Our removal, asked
//           late or again, would hit that lock; together with that of our mark, which went with the session, it fails.
// Lifetime  destroying it removes them in the background, asking again until they are gone. That outlives this and the
//           client harmlessly.
#pragma once

#include "client/client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::recipes {

class QueueLock {
public:
    /// nullopt: somebody else has it. Makes the lock path as needed.
    static boost::asio::awaitable<std::optional<QueueLock>> acquire(client::Client& client, std::string lock_path,
                                                                    std::string entry);
    QueueLock(QueueLock&& other) noexcept;
    QueueLock& operator=(QueueLock&& other) noexcept;
    ~QueueLock();

    /// Adds the removal of both nodes to what is to be done in one transaction; kNoNode fails that if they are gone.
    void add_removal(client::Multi& multi) const;
    /// Somebody has removed them.
    void forget() { removal_ = nullptr; }
    /// Returns when they are gone. Cancelling does not stop it.
    boost::asio::awaitable<void> remove();

private:
    QueueLock(client::Client& client, std::string lock, std::string mark);

    using Removal = std::function<boost::asio::awaitable<boost::system::error_code>()>;

    boost::asio::any_io_executor executor_;
    std::string lock_;
    std::string mark_;
    Removal removal_;  // asked once each time; empty when begun or forgotten
};

}  // namespace zabd::recipes
