// What servers cost, asked from outside: alike for every server, whatever it is written in. Of several, the members of an
// ensemble, the sum.
#pragma once

#include "tests/bench/socket.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <vector>

namespace zabd::bench {

class ServerProbe {
public:
    /// No pids: the processes are not known, and neither is what they cost.
    ServerProbe(Addresses addresses, const std::vector<pid_t>& pids);

    /// Processor time of all its threads so far, those that have ended included; in user and kernel mode.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu() const;
    /// VmRSS.
    [[nodiscard]] std::optional<std::uint64_t> rss_bytes() const;
    /// Syncs of its log so far: cnt_fsynctime of the four-letter word mntr. nullopt if the server does not tell.
    [[nodiscard]] std::optional<std::uint64_t> syncs() const;

private:
    struct Process {
        pid_t pid = 0;
        clockid_t cpu_clock{};
    };
    Addresses addresses_;
    std::vector<Process> processes_;
};

}  // namespace zabd::bench
