// Contest: the way through a queue of contenders, which locks, latches and selectors have in common.
//
// Layout    <path>/<contender>: ephemeral sequential nodes named as the flavor wants (contenders.hpp), their data the
//           identifier. With Curator's flavor `path` is made as a container, which the server removes some time after
//           the last contender; with kazoo's it is a plain node.
// Fair      contenders win in the order in which the server made their nodes.
// No herd   each watches the one node that it waits for, by getData, which leaves no watch behind where the node is
//           gone.
// No orphan a create whose answer was lost is looked for by its random id; whatever fails or is cancelled on the way
//           takes the contender's node along (own_node.hpp).
// Unsafe    where contenders of Curator and of kazoo meet on one path, everybody's lock there is worthless, as they do
//           not see each other: kMixedContenders, found at each look at the queue until the contest is won.
// Errors    system_error with one of ContestErrc, or of the client. kContenderGone when the session ends while waiting:
//           come again with the client's next one.
#pragma once

#include "client/client.hpp"
#include "recipes/contenders.hpp"
#include "recipes/grant.hpp"
#include "recipes/own_node.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace zabd::recipes {

enum class ContestErrc {
    kMixedContenders = 1,  // Curator's and kazoo's on one path
    kContenderGone,        // our node's session ended, or somebody deleted it
    kOwnerBusy,            // a re-entrant lock's owner is waiting for it already
    kLimitDiffers,         // a semaphore that others use with another number of leases
    kFenced,               // a write under a grant that is over
};

const std::error_category& contest_category() noexcept;
inline std::error_code make_error_code(ContestErrc code) noexcept {
    return {static_cast<int>(code), contest_category()};
}

struct ContestOptions {
    /// What others see of us (participants()): the data of our node. Empty: the name of this host.
    std::string identifier{};
    Flavor flavor = Flavor::kCurator;
};

/// A contender as others see it.
struct Participant {
    std::string name;        // of its node, below the contest's path
    std::string identifier;  // the node's data
};

class Contest {
public:
    /// `client` outlives the contest and its grants, at one address.
    Contest(client::Client& client, std::string path, ContestOptions options);

    /// Enters, waits for its turn, and wins.
    boost::asio::awaitable<Grant> win(Purpose purpose);
    /// The same if there is nobody to wait for; nullopt, and out of the queue again, if there is.
    boost::asio::awaitable<std::optional<Grant>> try_win(Purpose purpose);
    /// Those in the queue, in order.
    boost::asio::awaitable<std::vector<Participant>> participants();

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    boost::asio::awaitable<OwnNode> enter(Purpose purpose);
    boost::asio::awaitable<void> await_turn(const OwnNode& own);
    boost::asio::awaitable<std::optional<std::string>> find_blocker(const OwnNode& own);
    boost::asio::awaitable<std::vector<Contender>> line_up();

    client::Client* client_;
    std::string path_;
    ContestOptions options_;
};

/// Creates an ephemeral node below `parent`, of a unique name in the flavor's form, and `parent` where it is missing.
/// Contenders are sequential, and so are Curator's leases.
boost::asio::awaitable<OwnNode> create_own(client::Client& client, std::string parent, std::string base,
                                           const ContestOptions& options, client::CreateMode mode);

/// What `waiting` throws because the node's session has ended, in whichever way that shows, becomes kContenderGone.
boost::asio::awaitable<void> while_session_lasts(const client::Client& client, const OwnNode& own,
                                                 boost::asio::awaitable<void> waiting);

/// Of the nodes with these names below `parent`, those that are still there.
boost::asio::awaitable<std::vector<Participant>> read_participants(client::Client& client, std::string parent,
                                                                   std::vector<std::string> names);

/// Asks the holder of the node at `path` (Grant::path(), Participant::name below the lock's path) to let go, in the
/// way that Curator does. The holder learns of it by Grant::revocation(), and may ignore it.
boost::asio::awaitable<void> request_revocation(client::Client& client, std::string path);

}  // namespace zabd::recipes

template <>
struct std::is_error_code_enum<zabd::recipes::ContestErrc> : std::true_type {};
