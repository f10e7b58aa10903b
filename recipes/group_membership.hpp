// A group: members who are present, and who wants to know them.
//
// Layout    an ephemeral node below `path` for each member; its name is the member's id, its data what the member has to
//           say (an address, say). As Curator's GroupMember.
// Members   are kept present as persistent_ephemeral.hpp says: again after a session's end, and in place of what a former
//           session of the same id has left. Ids are for one living process each.
// Watching  Group::next() gives the members now, and again whenever some have come, gone, or come back as another
//           session's node. Data that a present member changes are in the next answer, but cause none. The latest state
//           is never missed; states in between may be passed over.
// Bounds    members and data of one group are read as they are, in one piece for every 64 members.
// Failure   a lost connection, or the session's end, is waited out.
// Lifetime  the client outlives both, and stays where it is. One call of a Group at a time.
#pragma once

#include "client/client.hpp"
#include "recipes/persistent_ephemeral.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::recipes {

/// A member for as long as what this gives lives; its established() waits until it is one.
[[nodiscard]] PersistentEphemeral join_group(client::Client& client, std::string_view group, std::string_view id,
                                             std::string data = {});

class Group {
public:
    using Members = std::map<std::string, std::string>;  // id to data

    Group(client::Client& client, std::string path)
        : client_(client), path_(std::move(path)), watch_(client.make_watch()) {}

    /// Who is present now.
    boost::asio::awaitable<Members> members();
    /// At once the first time; then when the members are others than those it gave last.
    boost::asio::awaitable<Members> next();

private:
    using Census = std::map<std::string, client::NodeData>;

    boost::asio::awaitable<Census> take_census(client::Watch* watch);
    boost::asio::awaitable<std::optional<Census>> read_members(client::Watch* watch);

    client::Client& client_;
    std::string path_;
    client::Watch watch_;
    bool armed_ = false;                                  // and not fired since
    std::optional<std::map<std::string, Zxid>> given_{};  // by the last next(): ids and czxids
};

}  // namespace zabd::recipes
