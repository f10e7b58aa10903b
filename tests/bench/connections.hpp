// The workloads that are not a stream of requests over open sessions.
#pragma once

#include "tests/bench/driver.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace zabd::bench {

/// One node, `watchers` sessions that watch it: a set, an event to each, each reads and watches again, the next set.
/// An operation is an event that has arrived; its latency counts from the set.
Outcome run_fan_out(const Addresses& servers, const std::string& path, std::size_t watchers, const Load& load,
                    const ServerProbe& probe);

/// `at_once` clients that connect, open a session, close it, wait for the server to close the connection, and start
/// again. An operation is one such life; its latency counts to the answer of closeSession.
Outcome run_connect_close(const Addresses& servers, std::size_t at_once, const Load& load, const ServerProbe& probe);

/// What sessions cost that do nothing.
struct IdleOutcome {
    Seconds opening{};  // of all of them
    std::uint64_t rss_before_bytes = 0;
    std::uint64_t rss_after_bytes = 0;
};

/// Opens `count` sessions and looks at the server's memory `settle` later. The probe must know the process.
IdleOutcome run_idle(const Addresses& servers, std::size_t count, Seconds settle, const ServerProbe& probe);

}  // namespace zabd::bench
