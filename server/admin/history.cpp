#include "server/admin/history.hpp"

#include "wire/assert.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

/// Of something that is counted: a count that went back was reset meanwhile.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) { return now < before ? now : now - before; }

struct Delay {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
};

/// The maximum is of the last second or two, so that it may be that of the second before.
void tell(const Delay& before, const Delay& now, std::uint64_t max_recent, std::optional<double>& average,
          std::optional<double>& max) {
    const auto count = grown(before.count, now.count);
    if (count == 0) return;
    average = static_cast<double>(grown(before.sum, now.sum)) / static_cast<double>(count);
    max = std::max(static_cast<double>(max_recent), *average);
}

Reading read(const Inside& inside) {
    using std::chrono::milliseconds;
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return {.taken = steady_clock::now(),
            .at = WallTime{std::chrono::duration_cast<milliseconds>(wall).count()},
            .status = inside.core().status(),
            .figures = inside.figures()};
}

/// The number behind "name=", if there is one.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    std::uint64_t number = 0;
    const auto* begin = text.data() + at + name.size();
    if (std::from_chars(begin, text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
    return number;
}

}  // namespace

Sample sample_of(const Reading& before, const Reading& now) {
    const auto& was = before.status;
    const auto& is = now.status;
    const auto seconds = std::chrono::duration<double>(now.taken - before.taken).count();
    ZABD_ASSERT(seconds > 0);
    const auto rate = [&](std::uint64_t from, std::uint64_t to) {
        return static_cast<double>(grown(from, to)) / seconds;
    };
    const auto delay = [](const core::Traffic& traffic) { return Delay{traffic.requests, traffic.latency_ms_sum}; };
    const auto sync = [](const ServerFigures& figures) { return Delay{figures.syncs, figures.sync_us_sum}; };
    Sample sample;
    sample.at = now.at;
    sample.state = is.state;
    sample.serving = is.serving;
    sample.leader = is.leader;
    sample.epoch = is.epoch;
    sample.zxid = is.zxid_applied;
    sample.ops = rate(was.traffic.requests, is.traffic.requests);
    // Over a change of epoch the counter begins anew: what it came to is what was applied of the new one.
    sample.zxid_rate = rate(was.zxid_applied.counter(), is.zxid_applied.counter());
    tell(delay(was.traffic), delay(is.traffic), is.latency_ms_max_recent, sample.latency_avg_ms, sample.latency_max_ms);
    tell(sync(before.figures), sync(now.figures), now.figures.sync_us_max_recent, sample.sync_avg_us,
         sample.sync_max_us);
    sample.outstanding = is.outstanding;
    sample.connections = is.connections;
    sample.nodes = is.nodes;
    sample.sessions = is.sessions;
    sample.watches = is.watches;
    return sample;
}

RoleChange role_change(std::string_view detail, WallTime at, ServerId self) {
    RoleChange change;
    change.at = at;
    change.detail = detail;
    change.epoch = static_cast<Epoch>(number_of(detail, "epoch=").value_or(0));
    if (const auto leader = number_of(detail, "leader=")) change.leader = static_cast<ServerId>(*leader);
    if (detail.starts_with("leading")) {
        change.role = "leader";
        change.leader = self;
    } else if (detail.starts_with("following")) {
        change.role = "follower";
    } else if (detail.starts_with("observing")) {
        change.role = "observer";
    } else if (detail.starts_with("read-only")) {
        change.role = "read-only";
    } else {
        change.role = "looking";
    }
    return change;
}

History::History(asio::io_context& io, Desk& desk, ServerId self)
    : io_(io), desk_(desk), self_(self), timer_(io), alive_(std::make_shared<History*>(this)) {}

History::~History() { *alive_ = nullptr; }

void History::start() {
    if (std::exchange(running_, true)) return;
    take();
    wait();
}

void History::stop() {
    running_ = false;
    timer_.cancel();
}

void History::wait() {
    using std::chrono::seconds;
    timer_.expires_at(std::chrono::floor<seconds>(steady_clock::now()) + seconds{1});
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || !running_) return;
        take();
        wait();
    });
}

void History::take() {
    if (std::exchange(asking_, true)) return;  // the server has not found the time yet: a gap
    desk_.ask([this, alive = alive_, executor = io_.get_executor()](Inside& inside) {
        asio::post(executor, [this, alive, reading = read(inside)]() mutable {
            if (*alive) keep(std::move(reading));
        });
    });
}

void History::keep(Reading now) {
    asking_ = false;
    const auto second = std::chrono::floor<std::chrono::seconds>(now.taken);
    const auto before = std::exchange(reading_, std::move(now));
    if (!before || before->taken >= reading_->taken) return;
    if (!samples_.empty() && samples_.back().second == second) samples_.pop_back();  // they came late
    samples_.push_back({second, sample_of(*before, *reading_)});
    const auto oldest = second - std::chrono::seconds{kSecondsMax};
    while (samples_.front().second <= oldest) samples_.pop_front();
}

void History::on_event(const core::Event& event, WallTime time) {
    if (event.kind != core::Event::Kind::kRole) return;
    auto change = role_change(event.detail, time, self_);
    const std::lock_guard lock(roles_mutex_);
    roles_.push_back(std::move(change));
    if (roles_.size() > kRolesMax) roles_.pop_front();
}

std::vector<RoleChange> History::roles() const {
    const std::lock_guard lock(roles_mutex_);
    return {roles_.rbegin(), roles_.rend()};
}

std::optional<Sample> History::newest() const {
    if (samples_.empty()) return std::nullopt;
    return samples_.back().sample;
}

std::vector<std::optional<Sample>> History::last(std::size_t seconds) const {
    if (samples_.empty()) return {};
    const auto end = samples_.back().second + std::chrono::seconds{1};
    const auto kept = static_cast<std::size_t>((end - samples_.front().second).count());
    std::vector<std::optional<Sample>> rows(std::min({seconds, kept, kSecondsMax}));
    const auto begin = end - std::chrono::seconds{static_cast<std::int64_t>(rows.size())};
    for (const auto& [second, sample] : samples_) {
        if (second >= begin) rows[static_cast<std::size_t>((second - begin).count())] = sample;
    }
    return rows;
}

}  // namespace zabd::server::admin
