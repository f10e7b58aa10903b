// What the core is told once, at its making.
#pragma once

#include "session/credentials.hpp"
#include "wire/ids.hpp"
#include "wire/time.hpp"
#include "zab/participant.hpp"
#include "znode/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace zabd::core {

struct Options {
    ServerId server{1};  // of this server; top byte of session ids
    Millis tick{2000};   // sessions expire on its multiples
    Millis session_timeout_min{4000};
    Millis session_timeout_max{40'000};
    WallTime start{};                              // when the server started: session ids begin here
    std::size_t outstanding_max = 1000;            // requests in flight before clients are paused
    std::size_t client_queue_bytes_max = 4 << 20;  // of one client's requests that wait behind its writes
    std::size_t watches_max = 1 << 20;             // of one connection
    std::size_t identities_max = 1000;             // of one connection
    bool reconfig_enabled = false;                 // then reconfig answers as a standalone server does
    std::string super_digest;                      // "user:base64(SHA-1(user:password))"; empty: nobody is super
    bool digest_auth_enabled = true;
    std::vector<std::string> enforced_schemes;  // a client without an identity of one of these may only authenticate
    Millis reap_interval{60'000};               // containers and TTL nodes are looked at so often
    std::uint32_t reaps_per_minute_max = 10'000;
    Millis never_used_container_max{0};                // a container that never had a child goes after this; 0: never
    std::uint64_t log_overhead_bytes_max = 4096 + 80;  // that a record takes in the log besides its transaction
    std::uint64_t log_reserve_bytes = 4 << 20;         // of LogRoom: kept for sessions, the last quarter for their ends
    znode::PrepareOptions prepare;
    Counter counter_max = zab::kCounterMax;

    // The ensemble. Without other voters this server is alone, and leads.
    zab::Membership membership{{ServerId{1}}};
    std::string config_text;                  // of the membership, for peers and /zookeeper/config
    int init_limit = 10;                      // ticks
    int sync_limit = 5;                       // ticks
    Millis hold_max{2000};                    // clients' requests wait so long for a leader; then clients are let go
    std::size_t packet_bytes_max = 4 << 20;   // of a peer's packet
    std::size_t window_bytes_max = 32 << 20;  // of committed records kept for learners that lag a little
    bool read_only_enabled = false;           // without a leader, clients that asked for it may read
    bool zookeeper_passwords = true;  // while a ZooKeeper server is a member, sessions get passwords as it makes them
    bool audit = false;               // Audited tells what clients change
    Millis slow_request{0};           // a request that takes longer is told with its stages (Event); 0: none is
    bool linearizable_reads = false;  // every read is confirmed by a quorum, as if behind a sync
};

}  // namespace zabd::core
