// A grant: what a lock, a semaphore or an election gives to the one whose turn it is, for as long as its node lives.
//
//     auto grant = co_await lock.acquire();
//     co_await fenced_set(client, grant, "/account", "17");       // fence.hpp
//     co_await grant.release();
//
// Token     the czxid of the contender's node, known since that node was made and never changed. Of two grants of one
//           lock the later one has the higher token, so a resource that remembers the highest can turn late writers
//           away.
// State     no lock service can keep a holder from being paused past its session, so a grant says what it knows:
//             held       the session is alive as far as anybody knows
//             uncertain  the connection is down, from the moment that the client notices; held again once a server has
//                        confirmed that the node is there
//             lost       the session is over, or the node gone, or the time has passed within which the server must
//                        have heard from us, by our own clock and without asking. Final.
// Released  by release(), and in the background by being destroyed or overwritten. Only its own node is ever deleted.
// Lifetime  ends before its client's. Move-only.
// Threads   those of its client.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace zabd::recipes {

class GrantMonitor;
class OwnNode;

/// A holder's node that gets these data is asked to let go, in Curator's way.
inline constexpr std::string_view kRevocation = "__REVOKE__";

enum class GrantState : std::uint8_t { kHeld, kUncertain, kLost };
const char* name_of(GrantState state);

class Grant {
public:
    Grant() noexcept;  // of nothing: lost
    /// Of the contender `node`, which has just won; `client` is the one that made it.
    Grant(client::Client& client, OwnNode node);
    Grant(Grant&&) noexcept;
    Grant& operator=(Grant&&) noexcept;
    ~Grant();

    [[nodiscard]] Zxid token() const;
    /// Of the contender's node.
    [[nodiscard]] const std::string& path() const;

    [[nodiscard]] GrantState state() const;
    /// Not while uncertain: for what must not be done by two.
    [[nodiscard]] bool held() const { return state() == GrantState::kHeld; }
    /// While uncertain too: for what others can undo, or a fence guards.
    [[nodiscard]] bool perhaps_held() const { return state() != GrantState::kLost; }
    /// Returns the state as soon as it is another than `seen`: at once if it is.
    [[nodiscard]] boost::asio::awaitable<GrantState> changed(GrantState seen) const;

    [[nodiscard]] bool revocation_requested() const;
    /// Waits until somebody asks for the grant back: true; false when it is lost first.
    [[nodiscard]] boost::asio::awaitable<bool> revocation() const;

    /// Lost from here on. Returns when the node is gone, or the session over; cancelling ends the wait, and the node
    /// is deleted all the same. Harmless when it has been released or lost.
    boost::asio::awaitable<void> release();

private:
    std::shared_ptr<GrantMonitor> monitor_;  // nullptr: of nothing
};

}  // namespace zabd::recipes
