// The world's one queue: what is to happen, and when. What is due at the same time happens in the order of asking.
#pragma once

#include "tests/sim/time.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace zabd::sim {

class EventQueue {
public:
    using Action = std::function<void()>;

    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] Time next_at() const { return heap_.front().at; }

    void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
    void at(Time when, Action action) {
        ZABD_ASSERT(when >= now_);
        heap_.push_back({when, ++asked_, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    /// Nothing may be due before.
    void pass_to(Time when) {
        ZABD_ASSERT(empty() || next_at() >= when);
        now_ = std::max(now_, when);
    }

    /// Requires !empty().
    void run_next() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        auto event = std::move(heap_.back());
        heap_.pop_back();
        now_ = event.at;
        event.action();
    }

private:
    struct Event {
        Time at;
        std::uint64_t asked;
        Action action;
    };
    static bool later(const Event& left, const Event& right) {
        return std::pair(left.at, left.asked) > std::pair(right.at, right.asked);
    }

    Time now_{0};
    std::uint64_t asked_ = 0;
    std::vector<Event> heap_;
};

}  // namespace zabd::sim
