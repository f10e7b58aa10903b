// What a running server tells about itself as it goes: for admin, metrics, the audit log.
//
// Threads   the io thread's: a witness takes what it is told and returns at once; it hands long work to another thread.
#pragma once

#include "server/core/core.hpp"

#include <chrono>

namespace zabd::server {

/// Where the time of one write went on this server. Of one at a time, not of each: a sample.
struct StageTimes {
    using Micros = std::chrono::microseconds;
    Micros queue{0};    // from the frame's arrival to its turn
    Micros prepare{0};  // until its transaction is on its way to the log
    Micros fsync{0};    // until that is durable here
    Micros quorum{0};   // until enough others have it
    Micros apply{0};    // to the tree
    Micros reply{0};    // until the reply is handed to the socket
};

class Witness {
public:
    virtual void on_event(const core::Event& event, WallTime time) = 0;
    virtual void on_audited(core::Audited audited) = 0;
    virtual void on_stages(const StageTimes& stages) = 0;

protected:
    ~Witness() = default;
};

}  // namespace zabd::server
