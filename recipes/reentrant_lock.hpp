// A fair lock that its owner may acquire again while holding it.
//
//     ReentrantLock lock(client, "/lock");
//     ReentrantLock::Owner me;                       // coroutines have no thread to be known by
//     auto outer = co_await lock.acquire(me);
//     auto inner = co_await lock.acquire(me);        // at once
//
// Layout    that of lock.hpp. All holds of an owner share one node, one Grant and one token.
// Owner     one flow of control: while it waits for a lock it does not ask for the same one a second time (kOwnerBusy).
//           Owners are told apart within one ReentrantLock object; two objects are two contenders.
// Released  when the last hold is. A grant that is lost meanwhile is lost for all its holds, and the next acquire()
//           begins anew.
#pragma once

#include "recipes/lock.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>

namespace zabd::recipes {

class ReentrantLock {
public:
    /// Whoever has it, or a copy of it, is the owner. Made by the thousand, cheap.
    class Owner {
    public:
        Owner();

    private:
        friend class ReentrantLock;
        std::uint64_t id_;
    };

    /// One acquire() of an owner's. Move-only; destroying it counts as releasing it.
    class Hold {
    public:
        Hold() = default;  // of nothing
        Hold(Hold&&) noexcept = default;
        Hold& operator=(Hold&&) noexcept = default;

        /// Not of a hold that was released.
        [[nodiscard]] const Grant& grant() const { return *grant_; }
        /// Returns when the node is gone, if this was the last hold. Harmless when done twice.
        boost::asio::awaitable<void> release();

    private:
        friend class ReentrantLock;
        explicit Hold(std::shared_ptr<Grant> grant) : grant_(std::move(grant)) {}
        std::shared_ptr<Grant> grant_;
    };

    /// `client` outlives the lock and its holds, at one address.
    ReentrantLock(client::Client& client, std::string path, ContestOptions options = {});

    boost::asio::awaitable<Hold> acquire(Owner owner);
    /// nullopt when the limit has passed.
    boost::asio::awaitable<std::optional<Hold>> acquire_within(Owner owner, client::Millis limit);

private:
    Lock lock_;
    std::map<std::uint64_t, std::weak_ptr<Grant>> held_;  // by owner; those that expired go at the next acquire()
    std::set<std::uint64_t> waiting_;
};

}  // namespace zabd::recipes
