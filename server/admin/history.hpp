// What happened lately: figures of each second of the last hour, and the last changes of role.
//
// Threads   on_event() and roles() from any. All else on the admin thread, whose io_context outlives it; the desk too.
// Bounds    kSecondsMax samples, kRolesMax changes of role; older ones are forgotten.
// Gaps      a second in which the server had no time to answer, or the machine slept, has no sample.
#pragma once

#include "server/core/core.hpp"
#include "server/desk.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server::admin {

/// What one second was like. Rates and averages are of that second, the rest is as it was at its end.
struct Sample {
    WallTime at{};
    core::ServerState state = core::ServerState::kStandalone;
    bool serving = false;
    std::optional<ServerId> leader;
    Epoch epoch = 0;
    Zxid zxid;
    double ops = 0;                        // requests answered, each second
    double zxid_rate = 0;                  // transactions applied, each second
    std::optional<double> latency_avg_ms;  // nullopt: nothing was answered
    std::optional<double> latency_max_ms;  // nullopt: the same
    std::optional<double> sync_avg_us;     // of the log; nullopt: there was none
    std::optional<double> sync_max_us;
    std::uint64_t outstanding = 0;
    std::uint64_t connections = 0;
    std::uint64_t nodes = 0;
    std::uint64_t sessions = 0;
    std::uint64_t watches = 0;
};

/// What is counted since the start (or srst) at one moment; two of them make a Sample.
struct Reading {
    std::chrono::steady_clock::time_point taken{};
    WallTime at{};
    core::Status status;
    ServerFigures figures;
};
[[nodiscard]] Sample sample_of(const Reading& before, const Reading& now);

/// "leading epoch=3": what the core tells in Event::kRole, taken apart.
struct RoleChange {
    WallTime at{};
    std::string role;  // "looking", "leader", "follower", "observer", "read-only"
    std::optional<ServerId> leader;
    Epoch epoch = 0;  // 0: not told
    std::string detail;
};
[[nodiscard]] RoleChange role_change(std::string_view detail, WallTime at, ServerId self);

class History {
public:
    static constexpr std::size_t kSecondsMax = 3600;
    static constexpr std::size_t kRolesMax = 100;

    /// `self`: this server's number, who leads when it leads.
    History(boost::asio::io_context& io, Desk& desk, ServerId self);
    ~History();
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    /// Begins to take a sample every second, until stop().
    void start();
    void stop();

    /// A change of role is kept, others are nothing to it.
    void on_event(const core::Event& event, WallTime time);
    /// Newest first.
    [[nodiscard]] std::vector<RoleChange> roles() const;

    /// nullopt: none was taken yet.
    [[nodiscard]] std::optional<Sample> newest() const;
    /// The last `seconds` (at most kSecondsMax), oldest first; nullopt where none was taken. Ends with the newest one.
    [[nodiscard]] std::vector<std::optional<Sample>> last(std::size_t seconds) const;

private:
    using Second = std::chrono::time_point<std::chrono::steady_clock, std::chrono::seconds>;

    void wait();
    void take();
    void keep(Reading now);

    boost::asio::io_context& io_;
    Desk& desk_;
    const ServerId self_;
    boost::asio::steady_timer timer_;
    bool running_ = false;
    bool asking_ = false;  // a reading is on its way
    std::optional<Reading> reading_;
    struct Kept {
        Second second{};
        Sample sample;
    };
    std::deque<Kept> samples_;         // by second, each at most once
    std::shared_ptr<History*> alive_;  // answers that come later than the end find nullptr
    mutable std::mutex roles_mutex_;
    std::deque<RoleChange> roles_;  // oldest first
};

}  // namespace zabd::server::admin
