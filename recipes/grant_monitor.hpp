// What stands behind a Grant: it hears the connection's state and the fate of the contender's node.
//
// Events    one Watch: states of the connection, and the data of the contender's node, which is watched for being
//           deleted and for a request to revoke. The watch is armed by reading the node, and again after each event.
// Doubt     while in doubt it looks again every kTick: for the client's deadline, which makes the grant lost, and for a
//           connection, on which it reads the node to have it confirmed.
// Session   the one that owns the node, not whichever the client has now: it may have begun another already.
// Lifetime  shared by the Grant, those who wait, and the coroutine and callbacks of its own, which end soon after
//           end(). The client is touched only before end().
#pragma once

#include "client/client.hpp"
#include "recipes/grant.hpp"
#include "recipes/own_node.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>

namespace zabd::recipes {

class GrantMonitor : public std::enable_shared_from_this<GrantMonitor> {
public:
    GrantMonitor(client::Client& client, OwnNode node);

    void start();
    /// The grant is lost from here on; the node is left to the caller.
    void end();
    OwnNode& node() { return node_; }

    [[nodiscard]] GrantState state();
    [[nodiscard]] bool revocation_requested() const { return revocation_requested_; }
    /// Until the next change of the state or of revocation_requested().
    boost::asio::awaitable<void> changed();

private:
    using error_code = client::Client::error_code;

    boost::asio::awaitable<void> hear();
    void on(const client::Event& event);
    void look();
    void seen(const error_code& error, const client::NodeData& node);
    void doubt();
    void tick();
    void lose();

    client::Client* client_;  // nullptr: ended
    OwnNode node_;
    client::Watch watch_;
    bool confirmed_ = true;    // since the connection was last in doubt
    bool looking_ = false;     // a read of the node is under way,
    bool look_again_ = false;  // and may be too old by the time that it is answered
    bool revocation_requested_ = false;
    boost::asio::steady_timer tick_;
    boost::asio::steady_timer changed_;  // never expires: being cancelled is the signal
};

}  // namespace zabd::recipes
