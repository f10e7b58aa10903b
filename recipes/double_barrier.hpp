// A double barrier: members go in together once enough have come, and are done together once all have left.
//
// Layout    below `path`, which is persistent: an ephemeral `_c_<uuid>-member` for each member, and the persistent
//           `ready` while the barrier is open. As Curator's DistributedDoubleBarrier and kazoo's DoubleBarrier, which
//           count every child but `ready` whatever its name, so all three may meet at one path.
// Opening   `ready` is made in one transaction with a check of as many members as it takes.
// Entering  true only after reads that were begun in it found `ready`, and our own node among the members: a wake-up or
//           a reconnection counts for nothing. Members above the number may enter while the barrier is open.
// Leaving   returns when none of those is left that stood when we began to leave, so a round may follow at once on the
//           same path: the next round's members have new names. The last one out takes `ready` along in one transaction.
//           (Curator's members keep their names; give each of their rounds a path of its own.)
// Waking    who enters watches `ready` alone. Who leaves watches the lowest member, which stays until it is the last and
//           itself watches the highest: n wake-ups in all, no herd.
// Failure   a member whose session ends is gone: the others go on without it; its own enter() throws kSessionExpired. Of
//           an enter() that fails, times out or is cancelled no node remains. Should all members of a round die inside,
//           the next one to enter takes their `ready` away.
// Lifetime  the client outlives it, and stays where it is. Destroying it leaves without waiting.
#pragma once

#include "client/client.hpp"
#include "recipes/own_node.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace zabd::recipes {

class DoubleBarrier {
public:
    /// `members`: how many open it, at least one.
    DoubleBarrier(client::Client& client, std::string path, std::size_t members);

    /// Not while inside.
    boost::asio::awaitable<void> enter();
    /// False: not enough came in time, and we are out again. (We are never counted by others and told false.)
    boost::asio::awaitable<bool> enter_for(client::Millis timeout);
    /// Only while inside. We are outside however it ends.
    boost::asio::awaitable<void> leave();
    /// False: others were still inside after `timeout`.
    boost::asio::awaitable<bool> leave_for(client::Millis timeout);

    [[nodiscard]] bool inside() const { return inside_; }

private:
    using Deadline = std::chrono::steady_clock::time_point;
    using Names = std::set<std::string, std::less<>>;

    enum class Sight : std::uint8_t { kOpen, kShut, kRanOut };

    boost::asio::awaitable<bool> enter_until(Deadline deadline);
    boost::asio::awaitable<Sight> look(const OwnNode& own, client::Watch& watch, Deadline deadline);
    boost::asio::awaitable<bool> leave_until(Deadline deadline);
    boost::asio::awaitable<std::optional<Names>> list_members(Deadline deadline);
    boost::asio::awaitable<void> sweep_leftover();
    boost::asio::awaitable<void> open(const Names& members);
    boost::asio::awaitable<bool> withdraw(OwnNode& own);
    boost::asio::awaitable<void> finish_round(OwnNode& own);

    client::Client& client_;
    std::string path_;
    std::string ready_path_;
    std::size_t members_;
    OwnNode own_;
    Zxid ready_czxid_{};  // of the `ready` that let us in
    bool inside_ = false;
};

}  // namespace zabd::recipes
