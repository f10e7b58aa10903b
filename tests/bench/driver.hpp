// Drives sessions through a workload: one thread, one epoll, nothing that could be slower than the server.
//
// Closed loop  every session keeps `in_flight` requests out; an answer is followed by the next request.
// Open loop    requests become due at `rate` per second whatever the server does, and latency counts from the moment
//              at which a request was due, so that a stall is seen by all that it delayed. What has become due within
//              one turn goes out on one session, the next turn's on the next session.
#pragma once

#include "tests/bench/measurement.hpp"
#include "tests/bench/session.hpp"
#include "tests/bench/workload.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace zabd::bench {

struct Load {
    std::size_t in_flight = 16;          // of each session, closed loop
    std::optional<double> rate{};        // per second over all sessions: open loop
    Seconds warm_up{1};                  // not measured
    std::optional<Seconds> measured{5};  // nullopt: until the workload ends, without a warm-up
};

class Driver {
public:
    /// All three must outlive the driver.
    Driver(std::vector<Session>& sessions, Workload& workload, const ServerProbe& probe);
    /// Ends when every request is answered. Throws Failure if the server closes a connection or falls silent.
    Outcome run(const Load& load);

private:
    [[nodiscard]] bool done() const;
    void fill(std::size_t number, Clock::time_point now);
    void ask_due(Clock::time_point now);
    bool ask(std::size_t number, Clock::time_point due);
    void receive(std::size_t number);
    void account(const wire::ReplyHeader& header, const Asked& asked, Clock::time_point now);
    void flush(std::size_t number);

    std::vector<Session>& sessions_;
    Workload& workload_;
    const ServerProbe& probe_;
    Poller poller_;
    std::vector<char> buffer_;
    std::vector<bool> blocked_;  // waits for its socket to take more

    Load load_;
    std::optional<Measurement> measurement_;
    Clock::time_point due_next_;
    std::size_t turn_ = 0;
    std::uint64_t outstanding_ = 0;
    bool exhausted_ = false;
};

}  // namespace zabd::bench
