// Queues: plain (first in, first out), by priority, and by the time when an entry is due. Any number of producers and
// consumers.
//
// Layout    one persistent sequential node below `path` for each entry, and while an entry is claimed an ephemeral node of
//           the same name below `lock_path` (queue_lock.hpp). Names and data as Curator's DistributedQueue,
//           DistributedPriorityQueue and DistributedDelayQueue (with its lockPath): see queue_entries.hpp. An entry holds
//           one or more messages and goes to one consumer as a whole. kazoo's `entry-` queues are not read.
// Delivery  the consumers of one queue all take, or all claim:
//             take()   at most once. The entry is read, then deleted by its version: whoever deletes it has it. What was
//                      taken by a process that dies, or whose answer to the delete is lost together with the connection
//                      (then take() throws), is lost with it.
//             claim()  at least once. The entry stays until QueueClaim::done(). A claim whose process dies ends with its
//                      session, and the entry goes to another consumer, which may be its second time.
// Order     as the form says, among the entries that a consumer sees; with several consumers, or after a claim was given
//           back, only roughly. The delay queue compares the names' times with this machine's clock.
// Waiting   no polling: a consumer lists the entries once, works through them, and when there is no more lists again
//           upon the watch of that listing. (By priority and by time it lists whenever something has changed.) All idle
//           consumers of a queue are woken by a put, and those who claim when a claim begins or ends as well: the layout
//           offers no place in line to wait at.
// Failure   a lost connection is waited out. put() throws when its answer is lost (client::may_have_been_applied()
//           tells), and never puts twice by itself: the entry's name has no room for an id to look for.
// Lifetime  the client outlives all of these, and stays where it is.
#pragma once

#include "client/client.hpp"
#include "recipes/queue_claim.hpp"
#include "recipes/queue_entries.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace zabd::recipes {

class QueueProducer {
public:
    QueueProducer(client::Client& client, std::string path) : client_(client), path_(std::move(path)) {}

    /// For consumers of QueueForm::kPlain. Gives the entry's name.
    boost::asio::awaitable<std::string> put(Messages messages);
    /// For consumers of QueueForm::kPriority: lower ones are taken first.
    boost::asio::awaitable<std::string> put_with_priority(Messages messages, std::int32_t priority);
    /// For consumers of QueueForm::kDelay: not taken before `due`.
    boost::asio::awaitable<std::string> put_delayed(Messages messages, std::chrono::system_clock::time_point due);

private:
    boost::asio::awaitable<std::string> put_entry(Messages messages, QueueForm form, std::int64_t rank);

    client::Client& client_;
    std::string path_;
};

struct QueueOptions {
    QueueForm form = QueueForm::kPlain;
    std::string lock_path{};  // of claims; empty: the queue's path and "-locks"
};

class QueueConsumer {
public:
    QueueConsumer(client::Client& client, std::string path, QueueOptions options = {});

    // One of these at a time.
    boost::asio::awaitable<Messages> take();
    /// nullopt: nothing could be had within `timeout`. Taking what has been found is not broken off.
    boost::asio::awaitable<std::optional<Messages>> take_for(client::Millis timeout);
    boost::asio::awaitable<QueueClaim> claim();
    boost::asio::awaitable<std::optional<QueueClaim>> claim_for(client::Millis timeout);

private:
    using Deadline = std::chrono::steady_clock::time_point;
    template <class Got>
    using Attempt = boost::asio::awaitable<std::optional<Got>> (QueueConsumer::*)(const QueueEntry& entry);

    template <class Got>
    boost::asio::awaitable<std::optional<Got>> first_of(Attempt<Got> attempt, Deadline deadline);
    boost::asio::awaitable<std::optional<Messages>> try_take(const QueueEntry& entry);
    boost::asio::awaitable<std::optional<QueueClaim>> try_claim(const QueueEntry& entry);

    [[nodiscard]] bool must_list();
    boost::asio::awaitable<bool> list(bool without_claimed, Deadline deadline);
    boost::asio::awaitable<std::optional<std::vector<std::string>>> list_below(const std::string& path,
                                                                               Deadline deadline);
    [[nodiscard]] bool front_is_due() const;
    [[nodiscard]] Deadline front_due() const;

    client::Client& client_;
    std::string path_;
    QueueOptions options_;
    client::Watch watch_;             // of the children of both paths
    bool listed_ = false;             // and nothing has changed since
    std::deque<QueueEntry> entries_;  // of the last listing, which have not been tried yet
};

}  // namespace zabd::recipes
