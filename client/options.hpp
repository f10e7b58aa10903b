// How a client behaves, for all of its life.
#pragma once

#include "client/types.hpp"

#include <cstddef>
#include <optional>

namespace zabd::client {

struct Options {
    Millis session_timeout{10'000};    // wanted; the server clamps it
    Millis operation_timeout{30'000};  // for each operation that names none; it runs while disconnected too
    Millis connect_timeout{2'000};     // for one server to accept and greet; of that, then the next one
    Millis backoff_min{100};           // after a full round of servers: a random time up to this, doubled each round,
    Millis backoff_max{10'000};        // up to this
    std::optional<Session> session{};  // to take up again; State::kLost if it is over
    bool renew_session = true;         // begin a new one when the server says that ours is over
    bool allow_read_only = false;      // take a server without a quorum, while looking for one with
    bool retry_reads = true;
    bool shuffle_hosts = true;
    std::size_t request_bytes_max = 1'048'575;  // the server's jute.maxbuffer: it hangs up on larger ones
    std::size_t reply_bytes_max = 64u << 20;    // a larger one breaks the connection
    std::size_t requests_max = 1u << 20;        // unanswered, more are refused with kTooManyRequests;
    std::size_t queued_bytes_max = 256u << 20;  // and so are those that would pass this
};

}  // namespace zabd::client
