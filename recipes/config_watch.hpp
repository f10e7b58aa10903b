// A node's data as they are now, and again whenever they have changed: for configuration that follows a node.
//
//     ConfigWatch config(client, "/app/config");
//     for (;;) {
//         const auto node = co_await config.next();
//         apply(node ? node->data : kDefaults);
//     }
//
// Layout    any node at `path`, which need not exist.
// Promises  the first next() gives what is there, each further one waits until it is something else, a node deleted and
//           made anew included. It gives the latest: what came and went in between is passed over, and the last change
//           is never missed. What it gives was read after the call that gave it before, and no older than the call
//           when it does not wait; after a reconnection or a session's end it reads anew before it waits on.
// Failure   a lost connection is waited out: next() throws only what a read is refused with, or when reads time out. It
//           may be called again.
// Lifetime  the client outlives it, and stays where it is. One next() at a time.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <utility>

namespace zabd::recipes {

class ConfigWatch {
public:
    ConfigWatch(client::Client& client, std::string path)
        : client_(client), path_(std::move(path)), watch_(client.make_watch()) {}

    /// nullopt: there is no node.
    boost::asio::awaitable<std::optional<client::NodeData>> next();

private:
    using Identity = std::pair<Zxid, Zxid>;  // of a node at one time: czxid, mzxid; zeros where there is none

    boost::asio::awaitable<std::optional<client::NodeData>> read();

    client::Client& client_;
    std::string path_;
    client::Watch watch_;
    bool armed_ = false;             // and not fired since
    std::optional<Identity> given_;  // by the last next()
};

}  // namespace zabd::recipes
