// A barrier: while its node stands, whoever comes waits; when it is removed, all go on.
//
// Layout    one persistent node at `path`, without data. As Curator's DistributedBarrier and kazoo's Barrier.
// Promises  wait() returns only after a read that was begun in it found no node; it sees every set() that had returned.
//           All who wait are woken by the removal: each watches the node, and none is meant to be spared.
// Failure   a lost connection is waited out; what was missed meanwhile is found by reading anew. set() and remove() throw
//           when their answer is lost (client::may_have_been_applied() tells); calling them again is right if nobody else
//           moves the barrier.
// Lifetime  the client outlives it, and stays where it is.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace zabd::recipes {

class Barrier {
public:
    Barrier(client::Client& client, std::string path) : client_(client), path_(std::move(path)) {}

    /// False: it stood already. Makes the nodes above it as needed.
    boost::asio::awaitable<bool> set();
    /// False: it did not stand.
    boost::asio::awaitable<bool> remove();
    boost::asio::awaitable<void> wait();
    /// False: it still stood after `timeout`.
    boost::asio::awaitable<bool> wait_for(client::Millis timeout);

private:
    boost::asio::awaitable<bool> wait_until(std::chrono::steady_clock::time_point deadline);

    client::Client& client_;
    std::string path_;
};

}  // namespace zabd::recipes
