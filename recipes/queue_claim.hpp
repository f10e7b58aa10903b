// An entry of a queue that is being worked on: nobody else gets it until the claim is given back or its session ends.
//
// Layout    queue_lock.hpp.
// Promises  done() removes the entry and the claim in one transaction, and says whether the claim was still good: false
//           means that the session had ended, and that another consumer may have got the entry, or may yet.
// Failure   a lost answer is looked into; it is not passed on as long as the connection comes back in time.
// Lifetime  destroying it gives the entry back, in the background. The client outlives it, and stays where it is.
#pragma once

#include "client/client.hpp"
#include "recipes/queue_entries.hpp"
#include "recipes/queue_lock.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace zabd::recipes {

class QueueClaim {
public:
    QueueClaim(client::Client& client, std::string entry_path, Messages messages, QueueLock lock);

    [[nodiscard]] const Messages& messages() const { return messages_; }
    [[nodiscard]] const std::string& entry_path() const { return entry_path_; }

    /// The entry has been dealt with. False: the claim was over before, see above.
    boost::asio::awaitable<bool> done();
    /// The entry is for another to deal with.
    boost::asio::awaitable<void> give_back();

private:
    client::Client* client_;
    std::string entry_path_;
    Messages messages_;
    QueueLock lock_;
};

}  // namespace zabd::recipes
