// A fair lock, not re-entrant: every acquire() is a contender of its own.
//
//     Lock lock(client, "/jobs/nightly/lock");
//     auto grant = co_await lock.acquire();
//     ...
//     co_await grant.release();
//
// Layout    <path>/_c_<uuid>-lock-N, which is Curator's InterProcessMutex and go-zk's Lock, or with Flavor::kKazoo
//           <path>/<32 hex>__lock__N, which is kazoo's Lock. contest.hpp says what all contests guarantee.
// Waiting   ends with the grant, with an error, or by cancelling the coroutine (Asio's cancellation slots); then the
//           contender leaves the queue in the background.
// Revoking  request_revocation(client, path + '/' + participant.name), and Grant::revocation() at the other end.
// Failing   an error means that nothing is held and that nothing is left behind longer than the session lives.
#pragma once

#include "recipes/contest.hpp"

namespace zabd::recipes {

class Lock {
public:
    /// `client` outlives the lock and its grants, at one address.
    Lock(client::Client& client, std::string path, ContestOptions options = {}, Purpose purpose = Purpose::kLock);

    boost::asio::awaitable<Grant> acquire();
    /// nullopt when the limit has passed; it covers everything from the first request on.
    boost::asio::awaitable<std::optional<Grant>> acquire_within(client::Millis limit);
    /// Does not wait for anybody: nullopt if there is somebody to wait for.
    boost::asio::awaitable<std::optional<Grant>> try_acquire();

    /// Holders first, then those who wait, in order.
    boost::asio::awaitable<std::vector<Participant>> contenders();

private:
    Contest contest_;
    Purpose purpose_;
};

}  // namespace zabd::recipes
