#include "server/admin/members.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace zabd::server::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSrvr =
    "Zookeeper version: 3.8.0-1, built on 2022-02-25 08:49 UTC\nLatency min/avg/max: 0/0.4286/12\nReceived: 8\nSent: "
    "7\n"
    "Connections: 3\nOutstanding: 1\nZxid: 0x20000001a\nMode: follower\nNode count: 5\n";

TEST_CASE("what srvr says of a member is taken apart", "[admin][members]") {
    const auto answer = parse_srvr(kSrvr);
    REQUIRE(answer);
    CHECK(answer->role == "follower");
    CHECK(answer->zxid == Zxid::of(2, 0x1a));
    CHECK(answer->connections == 3);
    CHECK(answer->outstanding == 1);
    CHECK(answer->latency_avg_ms == Approx(0.4286));
    CHECK(answer->version == "3.8.0-1");
}

TEST_CASE("a member that does not serve looks for a leader", "[admin][members]") {
    const auto answer = parse_srvr("This ZooKeeper instance is not currently serving requests\n");
    REQUIRE(answer);
    CHECK(answer->role == "looking");
    CHECK_FALSE(answer->zxid);
}

TEST_CASE("what is no answer of srvr's is none, and foreign text stays harmless", "[admin][members]") {
    for (const std::string text : {"", "\n\n\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "Mode: king\n", "Mode:follower\n",
                                   "srvr is not executed because it is not in the whitelist.\n"})
        CHECK_FALSE(parse_srvr(text));
    CHECK_FALSE(parse_srvr(std::string(4096, '\0')));

    const auto answer =
        parse_srvr("Zookeeper version: <b>\x1b[2J\xff" + std::string(500, 'x') +
                   "\nLatency min/avg/max: 0/nan/1\nConnections: -1\nOutstanding: 99999999999999999999999\nZxid: 0xzz\n"
                   "Mode: leader");
    REQUIRE(answer);
    CHECK(answer->role == "leader");
    CHECK_FALSE(answer->latency_avg_ms);
    CHECK_FALSE(answer->connections);
    CHECK_FALSE(answer->outstanding);
    CHECK_FALSE(answer->zxid);
    REQUIRE(answer->version);
    CHECK(answer->version->starts_with("<b>\\x1b[2J\\xffxxx"));
    CHECK(answer->version->size() < 100);
}

TEST_CASE("a member's clients connect where its line says, or as ours do", "[admin][members]") {
    EnsembleServer member{"zk2", 1, 2, false, std::nullopt};
    CHECK(client_endpoint(member, 2181).host == "zk2");
    CHECK(client_endpoint(member, 2181).port == 2181);
    member.client = Endpoint{"0.0.0.0", 2182};
    CHECK(client_endpoint(member, 2181).host == "zk2");
    CHECK(client_endpoint(member, 2181).port == 2182);
    member.client = Endpoint{"10.0.0.2", 2182};
    CHECK(client_endpoint(member, 2181).host == "10.0.0.2");
}

TEST_CASE("a learner lags since the first proposal that it has not acknowledged", "[admin][members]") {
    ProposalTimes times;
    const ProposalTimes::Clock::time_point start{1h};
    CHECK(times.lag(start, Zxid{}) == 0ms);
    times.note(start, Zxid::of(1, 5));
    times.note(start + 100ms, Zxid::of(1, 5));
    times.note(start + 200ms, Zxid::of(1, 9));
    times.note(start + 300ms, Zxid::of(1, 12));
    const auto now = start + 1s;
    CHECK(times.lag(now, Zxid::of(1, 12)) == 0ms);
    CHECK(times.lag(now, Zxid::of(1, 10)) == 700ms);
    CHECK(times.lag(now, Zxid::of(1, 5)) == 800ms);
    CHECK(times.lag(now, Zxid::of(1, 1)) == 1000ms);
    times.note(now, Zxid::of(1, 8));  // another's history has taken the place of ours
    CHECK(times.lag(now + 50ms, Zxid::of(1, 7)) == 50ms);
}

TEST_CASE("the times of proposals are bounded", "[admin][members]") {
    ProposalTimes times;
    const ProposalTimes::Clock::time_point start{1h};
    for (std::uint32_t n = 1; n <= 2 * ProposalTimes::kTimesMax; ++n) times.note(start + n * 1ms, Zxid::of(1, n));
    const auto kept = std::chrono::milliseconds(ProposalTimes::kTimesMax);
    CHECK(times.lag(start + 2 * kept, Zxid{}) == kept - 1ms);
}

}  // namespace
}  // namespace zabd::server::admin
