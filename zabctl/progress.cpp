#include "zabctl/progress.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace zabd::zabctl {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedrawn = 200ms;
constexpr const char* kWipe = "\r\x1b[K";

}  // namespace

Progress::~Progress() {
    if (shown_) fmt::print(stderr, "{}", kWipe);
}

void Progress::add(std::uint64_t count) {
    count_ += count;
    const auto now = Clock::now();
    if (!shown_ || now - drawn_at_ < kRedrawn) return;
    drawn_at_ = now;
    fmt::print(stderr, "{}{} {}", kWipe, count_, what_);
    std::fflush(stderr);
}

}  // namespace zabd::zabctl
