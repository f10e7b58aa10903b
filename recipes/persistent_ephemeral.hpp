// An ephemeral node that is kept present: made again when its session ends or when somebody deletes it.
//
// Layout    an ephemeral node at `path`; those above it are made as needed, persistent. As Curator's PersistentNode
//           (PersistentEphemeralNode), without a number in its name.
// Promises  while this lives and the client has a session, the node is made as soon as it is found to be missing; what
//           it is about is told by an event, nothing is polled.
// Others    a node at the path that another session owns is by default held to be left over from a former session of
//           ours: it is replaced, in one transaction, rather than trusted, as it will vanish with its session. With
//           Leftover::kWait its end is awaited. Two that live must not use one path: the one whose node is replaced
//           while its session lives stops, with kNodeExists. So does one that meets a node which is not ephemeral.
// Failure   a lost answer is found out by reading; what may pass is tried again after growing pauses. What does not
//           pass (kNoAuth, kNodeExists, ...) stops it: established() and set_data() throw it then.
// Lifetime  runs in the background on the client's executor, and ends before the client. close() deletes the node and
//           makes sure; the destructor starts the same without waiting, and if that is lost with the connection, the
//           node stays until the session ends.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace zabd::recipes {

enum class Leftover : std::uint8_t { kReplace, kWait };

class PersistentEphemeral {
public:
    PersistentEphemeral(client::Client& client, std::string path, std::string data = {},
                        Leftover leftover = Leftover::kReplace);
    PersistentEphemeral(PersistentEphemeral&&) noexcept;
    PersistentEphemeral& operator=(PersistentEphemeral&&) noexcept;
    ~PersistentEphemeral();

    /// Waits until the node stands with the data that were last asked for. kClosed after close().
    boost::asio::awaitable<void> established();
    /// Whether it stands as far as is known: false while the connection is down.
    [[nodiscard]] bool present() const;
    /// From now on the node has these data, whenever it is made too. Waits until they are written.
    boost::asio::awaitable<void> set_data(std::string data);
    /// Stops keeping it, and returns when it is gone. Harmless when called again.
    boost::asio::awaitable<void> close();

    [[nodiscard]] const std::string& path() const;
    /// Why it has stopped; no error while it goes on.
    [[nodiscard]] boost::system::error_code failure() const;

private:
    class Keeper;
    std::shared_ptr<Keeper> keeper_;
};

}  // namespace zabd::recipes
