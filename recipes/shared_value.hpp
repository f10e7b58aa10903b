// A value that several processes change without losing each other's changes.
//
// Layout    a persistent node at `path`; its data are the value's bytes. As Curator's SharedValue.
// Promises  optimistic: a change names the version that it was made from and is applied only to that one, so no change is
//           lost, and of several at once one succeeds each time. Reads see every change that had returned.
// Failure   when the answer to a change is lost, the node is read again. Data or a version that cannot be after our change
//           mean that it was not applied; it is then tried again, or reported as a conflict. Otherwise nobody can tell
//           ours from an equal change of another's, and the error is thrown (client::may_have_been_applied()).
//           `traced` changes can be told: each makes, in the same transaction, an ephemeral `_c_<id>` below the node,
//           which is deleted in the background. They then fail only if the session ends before the answer is found.
// Watching  config_watch.hpp, on the same path.
// Lifetime  the client outlives it, and stays where it is.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::recipes {

struct VersionedValue {
    std::string data;
    std::int32_t version = 0;  // of the node: one more with each change
};

struct SharedValueOptions {
    std::string seed{};   // where there is no node yet
    bool traced = false;  // see above: for two more writes, a change is certain
};

class SharedValue {
public:
    SharedValue(client::Client& client, std::string path, SharedValueOptions options = {})
        : client_(client), path_(std::move(path)), options_(std::move(options)) {}

    /// Makes the node, and those above it, where there is none.
    boost::asio::awaitable<VersionedValue> get();
    /// nullopt: the value is not `before` any more.
    boost::asio::awaitable<std::optional<VersionedValue>> try_set(const VersionedValue& before, std::string data);
    /// Whatever it is now.
    boost::asio::awaitable<VersionedValue> set(std::string data);

    struct Change {
        VersionedValue before;
        VersionedValue after;
    };
    /// Applies `next` to the value, as often as it takes until nobody else was faster. nullopt from it: no change, and
    /// `after` is `before`. What it throws ends the update.
    using Next = std::function<std::optional<std::string>(const std::string& data)>;
    boost::asio::awaitable<Change> update(Next next);

private:
    enum class Fate : std::uint8_t { kApplied, kNotApplied, kConflict, kUnknown };
    struct Attempt;

    boost::asio::awaitable<client::Client::error_code> write(Attempt& attempt);
    boost::asio::awaitable<Fate> find_out(const Attempt& attempt);

    client::Client& client_;
    std::string path_;
    SharedValueOptions options_;
};

}  // namespace zabd::recipes
