// How far a long command is, on one line that is written over; only where people look at standard error.
#pragma once

#include "zabctl/output.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace zabd::zabctl {

class Progress {
public:
    /// `what` names the things that are counted: "nodes exported".
    Progress(const Output& output, std::string what) : shown_(output.messages_to_terminal()), what_(std::move(what)) {}
    /// Wipes the line.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void add(std::uint64_t count);

private:
    using Clock = std::chrono::steady_clock;
    bool shown_;
    std::string what_;
    std::uint64_t count_ = 0;
    Clock::time_point drawn_at_{};
};

}  // namespace zabd::zabctl
