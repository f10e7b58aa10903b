// A semaphore: at most N leases at a time, given in the order in which they were asked for.
//
//     Semaphore uploads(client, "/uploads", 4);
//     auto lease = co_await uploads.acquire();
//
// Layout    <path>/locks is a lock, which is held while one acquires; <path>/leases/_c_<uuid>-lease-N are the leases:
//           Curator's InterProcessSemaphoreV2. With Flavor::kKazoo the lock is <path>-__lock__, the leases are
//           <path>/<32 hex>, and N is the data of <path>: kazoo's Semaphore.
// Leases    are Grants: of two, the one that was given later has the higher token.
// No herd   only the one contender that has the lock watches the leases.
// Limit     all who use one path must give the same N. kazoo's layout can tell (kLimitDiffers), Curator's cannot.
// Failing   as with lock.hpp: whatever fails or is cancelled leaves neither lock nor lease behind.
#pragma once

#include "recipes/contest.hpp"

#include <cstddef>

namespace zabd::recipes {

class Semaphore {
public:
    /// `client` outlives the semaphore and its leases, at one address.
    Semaphore(client::Client& client, std::string path, std::size_t leases_max, ContestOptions options = {});

    boost::asio::awaitable<Grant> acquire();
    /// nullopt when the limit has passed; it covers everything from the first request on.
    boost::asio::awaitable<std::optional<Grant>> acquire_within(client::Millis limit);

    /// Those who have a lease, and the one who waits for the next, in no order.
    boost::asio::awaitable<std::vector<Participant>> holders();

private:
    [[nodiscard]] bool is_lease(std::string_view name) const;
    boost::asio::awaitable<OwnNode> create_lease();
    boost::asio::awaitable<void> await_room(const OwnNode& lease);
    boost::asio::awaitable<void> agree_on_limit();

    client::Client* client_;
    ContestOptions options_;
    std::size_t leases_max_;
    std::string leases_path_;
    Contest turn_;
};

}  // namespace zabd::recipes
