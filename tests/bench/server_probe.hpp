// What a server costs, asked from outside: alike for every server, whatever it is written in.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

namespace zabd::bench {

class ServerProbe {
public:
    /// `pid` 0: the process is not known, and neither is what it costs.
    ServerProbe(const sockaddr_in& address, pid_t pid);

    /// Processor time of all its threads so far, those that have ended included; in user and kernel mode.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu() const;
    /// VmRSS.
    [[nodiscard]] std::optional<std::uint64_t> rss_bytes() const;
    /// Syncs of its log so far: cnt_fsynctime of the four-letter word mntr. nullopt if the server does not tell.
    [[nodiscard]] std::optional<std::uint64_t> syncs() const;

private:
    [[nodiscard]] std::string word(const std::string& word) const;

    sockaddr_in address_;
    pid_t pid_;
    clockid_t cpu_clock_{};
};

}  // namespace zabd::bench
