// The client's half of the protocol, as simulated clients of all kinds need it: frames, and the watches that a client has
// set and sets again when it comes back.
#pragma once

#include "tests/sim/workload.hpp"
#include "wire/connect.hpp"
#include "wire/requests.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::sim {

inline constexpr Xid kXidSetWatches = -8;  // as ZooKeeper's own clients have it

/// With its length in front.
[[nodiscard]] std::string framed(std::string_view content);

/// The first frame of a connection. `session`: kNone for a new one, whatever the password.
[[nodiscard]] std::string connect_frame(SessionId session, const wire::Password& password, Zxid zxid_seen,
                                        std::int32_t timeout_ms);

/// What a server said in one frame, behind its first: an event, or the reply to a request. Views of the frame.
struct Heard {
    wire::ReplyHeader header;
    std::string_view body;
    std::optional<wire::WatcherEvent> event;
};
[[nodiscard]] Heard decode_heard(std::string_view frame);

class ClientWatches {
public:
    /// What the answer to a request means for its watch.
    void learn(const ClientRequest& asked, wire::ErrorCode error);
    /// What the event spends.
    void spend(const wire::WatcherEvent& event);
    void clear() { watches_.clear(); }

    [[nodiscard]] std::size_t size() const { return watches_.size(); }
    /// That sets all of them again.
    [[nodiscard]] wire::SetWatches2Request request(Zxid zxid_seen) const;

private:
    enum class Kind : std::uint8_t { kData, kExist, kChild, kPersistent, kRecursive };

    std::set<std::pair<std::string, Kind>> watches_;
};

}  // namespace zabd::sim
