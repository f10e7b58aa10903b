#include "server/admin/history.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <string>

namespace zabd::server::admin {
namespace {

using namespace std::chrono_literals;

const std::chrono::steady_clock::time_point kStart{1000s};

Reading reading(std::chrono::milliseconds since_start) {
    Reading reading;
    reading.taken = kStart + since_start;
    reading.at = WallTime{since_start.count()};
    return reading;
}

TEST_CASE("a sample tells of what happened between two readings", "[admin][history]") {
    auto before = reading(0ms);
    before.status.traffic = {.requests = 100, .latency_ms_sum = 500, .latency_ms_max = 40};
    before.status.zxid_applied = Zxid::of(3, 10);
    before.figures.syncs = 7;
    before.figures.sync_us_sum = 7000;
    auto now = reading(2000ms);
    now.status.traffic = {.requests = 140, .latency_ms_sum = 600, .latency_ms_max = 40};
    now.status.latency_ms_max_recent = 30;
    now.status.zxid_applied = Zxid::of(3, 30);
    now.status.outstanding = 4;
    now.status.connections = 5;
    now.status.nodes = 6;
    now.status.sessions = 7;
    now.status.watches = 8;
    now.figures.syncs = 9;
    now.figures.sync_us_sum = 19'000;
    now.figures.sync_us_max_recent = 9000;

    const auto sample = sample_of(before, now);
    CHECK(sample.at == WallTime{2000});
    CHECK(sample.ops == 20);
    CHECK(sample.zxid_rate == 10);
    CHECK(sample.latency_avg_ms == 2.5);
    CHECK(sample.latency_max_ms == 30);
    CHECK(sample.sync_avg_us == 6000);
    CHECK(sample.sync_max_us == 9000);
    CHECK(sample.outstanding == 4);
    CHECK(sample.connections == 5);
    CHECK(sample.nodes == 6);
    CHECK(sample.sessions == 7);
    CHECK(sample.watches == 8);
}

TEST_CASE("a second without requests has no latency", "[admin][history]") {
    const auto sample = sample_of(reading(0ms), reading(1000ms));
    CHECK(sample.ops == 0);
    CHECK_FALSE(sample.latency_avg_ms);
    CHECK_FALSE(sample.latency_max_ms);
    CHECK_FALSE(sample.sync_avg_us);
    CHECK_FALSE(sample.sync_max_us);
}

TEST_CASE("counts that were reset meanwhile count from zero", "[admin][history]") {
    auto before = reading(0ms);
    before.status.traffic = {.requests = 1000, .latency_ms_sum = 9000, .latency_ms_max = 400};
    before.status.zxid_applied = Zxid::of(3, 500);
    auto now = reading(1000ms);
    now.status.traffic = {.requests = 10, .latency_ms_sum = 30, .latency_ms_max = 9};
    now.status.latency_ms_max_recent = 9;
    now.status.zxid_applied = Zxid::of(4, 2);
    const auto sample = sample_of(before, now);
    CHECK(sample.ops == 10);
    CHECK(sample.latency_avg_ms == 3);
    CHECK(sample.latency_max_ms == 9);
    CHECK(sample.zxid_rate == 2);
}

TEST_CASE("a change of role is taken apart", "[admin][history]") {
    struct Case {
        std::string detail, role;
        std::optional<ServerId> leader;
        Epoch epoch = 0;
    };
    const auto c = GENERATE(values<Case>({
        {"leading epoch=7", "leader", ServerId{2}, 7},
        {"following leader=3 epoch=8", "follower", ServerId{3}, 8},
        {"observing leader=1 epoch=9", "observer", ServerId{1}, 9},
        {"looking: the leader is silent", "looking", std::nullopt, 0},
        {"read-only: no leader", "read-only", std::nullopt, 0},
    }));
    CAPTURE(c.detail);
    const auto change = role_change(c.detail, WallTime{5}, ServerId{2});
    CHECK(change.at == WallTime{5});
    CHECK(change.role == c.role);
    CHECK(change.leader == c.leader);
    CHECK(change.epoch == c.epoch);
    CHECK(change.detail == c.detail);
}

/// Of whom nothing is asked.
class NoDesk final : public Desk {
public:
    void ask(Question) override { FAIL("nothing was to be asked"); }
};

TEST_CASE("the last changes of role are kept, newest first", "[admin][history]") {
    boost::asio::io_context io;
    NoDesk desk;
    History history(io, desk, ServerId{1});
    CHECK(history.roles().empty());
    constexpr std::size_t kMore = 3;
    for (std::size_t number = 1; number <= History::kRolesMax + kMore; ++number) {
        const core::Event event{
            core::Event::Kind::kRole, SessionId::kNone, {}, "leading epoch=" + std::to_string(number)};
        history.on_event(event, WallTime{static_cast<std::int64_t>(number)});
    }
    history.on_event({core::Event::Kind::kPeer, SessionId::kNone, {}, "a link broke"}, WallTime{1});
    const auto roles = history.roles();
    REQUIRE(roles.size() == History::kRolesMax);
    CHECK(roles.front().epoch == History::kRolesMax + kMore);
    CHECK(roles.back().epoch == kMore + 1);
}

TEST_CASE("before the first sample there is no history", "[admin][history]") {
    boost::asio::io_context io;
    NoDesk desk;
    const History history(io, desk, ServerId{1});
    CHECK_FALSE(history.newest());
    CHECK(history.last(60).empty());
}

}  // namespace
}  // namespace zabd::server::admin
