// Fencing: the side of the resource that a grant protects.
//
// A holder that was paused past its session still believes in its grant when it wakes up. Only the resource can turn it
// away: by remembering the highest token that it has seen (Fence), or, where the resource is a znode, by writing in one
// transaction that fails when the contender's node is gone (fenced_set(), fenced()).
#pragma once

#include "client/client.hpp"
#include "recipes/grant.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace zabd::recipes {

/// Kept where the resource is, together with it. Not for several threads at once.
class Fence {
public:
    /// False for the token of a grant that a later one has overtaken here.
    [[nodiscard]] bool admit(Zxid token) {
        if (token < highest_) return false;
        highest_ = token;
        return true;
    }
    [[nodiscard]] Zxid highest() const { return highest_; }

private:
    Zxid highest_;
};

/// A multi to add writes to, all of which fail when the grant is over at the moment at which they would be applied:
/// with kNoNode in the first result.
client::Multi fenced(const Grant& grant);

/// Sets a node's data if, at that moment, the grant still stands: kFenced if it does not. `client` may be any client of
/// the same servers and chroot.
boost::asio::awaitable<client::Stat> fenced_set(client::Client& client, const Grant& grant, std::string path,
                                                std::string data, client::VersionOptions options = {});

}  // namespace zabd::recipes
