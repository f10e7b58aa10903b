// Virtual time: what the simulated world's clock says. It passes only from event to event.
#pragma once

#include <chrono>

namespace zabd::sim {

using Duration = std::chrono::microseconds;
/// Since the world began.
using Time = std::chrono::microseconds;

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace zabd::sim
