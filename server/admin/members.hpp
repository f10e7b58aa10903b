// What the other members of the ensemble say of themselves, asked with the word srvr at their client ports: any ZooKeeper
// server answers it, and it is never switched off.
//
// Asked     when somebody wants to know, each at most once in kAgeMax, all at once. Who asks waits for that only if what is
//           known is older than kAgeWaited.
// Bounds    an answer by kAnswerBytesMax and kAnswerTimeout; what is no answer of srvr's makes the member unreachable.
//           Texts in it are foreign. Only hosts of the configuration are ever dialled.
// Threads   the admin thread's.
#pragma once

#include "server/config.hpp"
#include "wire/ids.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace zabd::server::admin {

/// nullopt: not told.
struct MemberAnswer {
    std::string role;  // "leader", "follower", "observer", "standalone", "read-only", "looking": it does not serve
    std::optional<Zxid> zxid{};
    std::optional<std::uint64_t> connections{};  // ours of asking among them
    std::optional<std::uint64_t> outstanding{};
    std::optional<double> latency_avg_ms{};
    std::optional<std::string> version{};  // printable, at most 80 bytes
};
/// Of the word srvr, ours or ZooKeeper's; nullopt: it is none.
[[nodiscard]] std::optional<MemberAnswer> parse_srvr(std::string_view text);

/// Where a member's clients connect: as its line in zoo.cfg says, else at our own client port on its host.
[[nodiscard]] Endpoint client_endpoint(const EnsembleServer& member, std::uint16_t own_client_port);

struct MemberReport {
    std::chrono::steady_clock::time_point checked{};
    std::optional<MemberAnswer> answer;  // nullopt: not reached
};

class Members {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kAgeMax{1000};
    static constexpr std::chrono::milliseconds kAgeWaited{3000};
    static constexpr std::chrono::milliseconds kAnswerTimeout{1000};
    static constexpr std::size_t kAnswerBytesMax = 4096;

    /// `io` outlives it.
    Members(boost::asio::io_context& io, std::map<ServerId, Endpoint> others);
    ~Members();
    Members(const Members&) = delete;
    Members& operator=(const Members&) = delete;

    [[nodiscard]] boost::asio::awaitable<std::map<ServerId, MemberReport>> reports();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// When our own proposals were made, as far as somebody looked: to tell for how long a learner has lagged.
class ProposalTimes {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kTimesMax = 6000;

    /// What is proposed by now; never lower than before but in another leader's epoch.
    void note(Clock::time_point now, Zxid proposed);
    /// For how long something has been proposed behind `acked`; at least so long, if nobody looked at first. 0: nothing is.
    [[nodiscard]] std::chrono::milliseconds lag(Clock::time_point now, Zxid acked) const;

private:
    struct Time {
        Clock::time_point seen;  // first
        Zxid proposed;
    };
    std::deque<Time> times_;  // ascending
};

}  // namespace zabd::server::admin
