// A node of ours that goes when this goes, so that whatever fails between its creation and the end of its use leaves
// nobody waiting behind it.
//
// Deleting  is asked again after a lost connection, until the node is gone or the session, and the node with it, is
//           over. It cannot hit anybody else's node: the name holds a random id or a number that the server gives once.
// Lifetime  what runs in the background outlives this and the client harmlessly.
// Threads   those of the client.
#pragma once

#include "client/client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace zabd::recipes {

class OwnNode {
public:
    OwnNode() = default;  // none
    OwnNode(client::Client& client, client::Created created);
    OwnNode(OwnNode&& other) noexcept;
    OwnNode& operator=(OwnNode&& other) noexcept;
    ~OwnNode() { discard(); }

    [[nodiscard]] const std::string& path() const { return created_.path; }
    [[nodiscard]] std::string_view name() const;  // the path's last component
    [[nodiscard]] Zxid czxid() const { return created_.stat.czxid; }
    /// The session that it lives as long as.
    [[nodiscard]] SessionId session() const { return SessionId{created_.stat.ephemeral_owner}; }

    /// Begins to delete it in the background. Harmless when that has been done.
    void discard() noexcept;
    /// Deletes it, and returns when it is known to be gone. Cancelling ends the wait, not the deleting.
    boost::asio::awaitable<void> remove();

private:
    using Removal = std::function<boost::asio::awaitable<void>()>;

    client::Created created_;
    boost::asio::any_io_executor executor_;
    Removal removal_;  // empty once begun
};

}  // namespace zabd::recipes
