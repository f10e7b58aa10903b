#include "tests/bench/driver.hpp"

#include "tests/bench/failure.hpp"

namespace zabd::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kTurnClosedLoop = 10ms;  // how late an interval may end when nothing is answered
constexpr auto kTurnOpenLoop = 100us;   // requests of one turn share a packet; their latency includes the wait
constexpr auto kSilenceMax = 60s;

}  // namespace

Driver::Driver(std::vector<Session>& sessions, Workload& workload, const ServerProbe& probe)
    : sessions_(sessions), workload_(workload), probe_(probe), buffer_(kReadBytes), blocked_(sessions.size()) {
    for (std::size_t i = 0; i < sessions_.size(); ++i) poller_.add(sessions_[i].fd(), i);
}

Outcome Driver::run(const Load& load) {
    load_ = load;
    measurement_.emplace(probe_, load_.warm_up, load_.measured);
    due_next_ = Clock::now();
    auto heard_last = due_next_;
    if (!load_.rate)
        for (std::size_t i = 0; i < sessions_.size(); ++i) fill(i, due_next_);

    while (!done()) {
        const auto ready = poller_.wait(load_.rate ? kTurnOpenLoop : kTurnClosedLoop);
        for (const auto number : ready) receive(number);
        const auto now = Clock::now();
        if (!ready.empty()) heard_last = now;
        if (outstanding_ > 0 && now - heard_last > kSilenceMax) throw Failure("the server does not answer any more");
        measurement_->turn(now);
        if (load_.rate) ask_due(Clock::now());
    }
    if (!measurement_->over()) measurement_->end();
    return measurement_->take();
}

bool Driver::done() const { return outstanding_ == 0 && (exhausted_ || measurement_->over()); }

void Driver::fill(std::size_t number, Clock::time_point now) {
    while (sessions_[number].in_flight() < load_.in_flight && ask(number, now)) continue;
    flush(number);
}

void Driver::ask_due(Clock::time_point now) {
    if (due_next_ > now || measurement_->over()) return;
    const auto interval = std::chrono::duration_cast<Clock::duration>(Seconds(1 / *load_.rate));
    const auto number = turn_++ % sessions_.size();
    for (; due_next_ <= now; due_next_ += interval) ask(number, due_next_);
    flush(number);
}

bool Driver::ask(std::size_t number, Clock::time_point due) {
    if (exhausted_ || measurement_->over()) return false;
    const auto write = [&](std::string& out, Xid xid) { return workload_.next(number, xid, out); };
    exhausted_ = !sessions_[number].ask(due, write);
    if (!exhausted_) ++outstanding_;
    return !exhausted_;
}

void Driver::receive(std::size_t number) {
    const auto now = Clock::now();
    const auto see = [&](const wire::ReplyHeader& header, std::string_view, const Asked* asked) {
        if (asked == nullptr) throw Failure("a watch event came where no watch was set");
        account(header, *asked, now);
        if (!load_.rate) ask(number, now);
    };
    if (!sessions_[number].receive(buffer_, see)) throw Failure("the server closed a connection");
    flush(number);
}

void Driver::account(const wire::ReplyHeader& header, const Asked& asked, Clock::time_point now) {
    --outstanding_;
    if (header.error != wire::ErrorCode::kOk) measurement_->count_error(header.error);
    if (load_.rate) {
        measurement_->count_by_start(asked.due, now);
    } else {
        measurement_->count(asked.due, now);
    }
}

void Driver::flush(std::size_t number) {
    const bool blocked = !sessions_[number].flush();
    if (blocked == blocked_[number]) return;
    poller_.watch_writable(sessions_[number].fd(), number, blocked);
    blocked_[number] = blocked;
}

}  // namespace zabd::bench
