#include "session/expiry.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace zabd::session {
namespace {

using Sessions = std::vector<SessionId>;

constexpr SessionId kAlice{1};
constexpr SessionId kBob{2};
constexpr Millis kTick{2000};

constexpr Instant at(std::int64_t ms) { return Instant(Millis(ms)); }

Sessions expired_at(Expiry& expiry, Instant now) {
    Sessions expired;
    expiry.advance(now, expired);
    return expired;
}

/// Advances in steps of 1 ms, so that no jump is too long, and answers when the first session ended.
Instant first_end(Expiry& expiry, Instant from, Instant until) {
    for (auto now = from; now <= until; now += Millis(1)) {
        if (!expired_at(expiry, now).empty()) return now;
    }
    return Instant::max();
}

TEST_CASE("a silent session ends at the first multiple of the tick after its timeout", "[session][expiry]") {
    struct Case {
        const char* name;
        std::int64_t touched_ms, timeout_ms, ends_ms;
    };
    const auto c = GENERATE(values<Case>({
        {"between two ticks", 100, 4000, 6000},
        {"on a tick, a whole one is added", 0, 4000, 6000},
        {"just before a tick", 1999, 4000, 6000},
        {"just behind a tick", 2001, 4000, 8000},
        {"a timeout that is no multiple of the tick", 500, 5001, 6000},
        {"the clock's zero lies ahead", -3500, 4000, 2000},
        {"and the deadline is before it", -9000, 4000, -4000},
    }));
    CAPTURE(c.name);
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(c.timeout_ms), at(c.touched_ms));
    CHECK(first_end(expiry, at(c.touched_ms), at(c.touched_ms + 20'000)) == at(c.ends_ms));
    CHECK(expiry.size() == 0);
}

TEST_CASE("a touch moves the deadline, later or, with a shorter timeout, earlier", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(10'000), at(0));
    SECTION("later") {
        expiry.touch(kAlice, Millis(10'000), at(4100));
        CHECK(first_end(expiry, at(4100), at(30'000)) == at(16'000));
    }
    SECTION("earlier") {
        expiry.touch(kAlice, Millis(4000), at(1000));
        CHECK(first_end(expiry, at(1000), at(30'000)) == at(6000));
    }
    SECTION("into the same bucket") {
        expiry.touch(kAlice, Millis(10'000), at(1));
        CHECK(first_end(expiry, at(1), at(30'000)) == at(12'000));
    }
    CHECK(expiry.buckets().empty());
}

TEST_CASE("buckets tell who falls due when", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kBob, Millis(4000), at(100));
    expiry.touch(kAlice, Millis(4000), at(200));
    expiry.touch(SessionId{3}, Millis(9000), at(200));
    CHECK(expiry.buckets() ==
          std::map<Instant, std::set<SessionId>>{{at(6000), {kAlice, kBob}}, {at(10'000), {SessionId{3}}}});
    expiry.remove(SessionId{3});
    expiry.remove(SessionId{3});
    CHECK(expiry.buckets() == std::map<Instant, std::set<SessionId>>{{at(6000), {kAlice, kBob}}});
}

TEST_CASE("sessions of one bucket end together in ascending order, behind those of earlier buckets",
          "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(SessionId{1}, Millis(40'000), at(2000));
    expiry.touch(SessionId{9}, Millis(40'000), at(0));
    expiry.touch(SessionId{4}, Millis(40'000), at(1));
    CHECK(expired_at(expiry, at(41'999)).empty());
    CHECK(expired_at(expiry, at(44'000)) == Sessions{SessionId{4}, SessionId{9}, SessionId{1}});
}

TEST_CASE("what has ended is appended to the list", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(4000), at(0));
    Sessions expired{kBob};
    expiry.advance(at(6000), expired);
    CHECK(expired == Sessions{kBob, kAlice});
}

TEST_CASE("a jump of more than half a timeout puts every deadline off by the jump", "[session][expiry]") {
    struct Case {
        const char* name;
        std::int64_t jump_ms;
        std::int64_t alice_ends_ms, bob_ends_ms;
    };
    const auto c = GENERATE(values<Case>({
        {"half the least timeout is no jump", 2000, 6000, 22'000},
        {"more is one", 2001, 8000, 24'000},
        {"a pause longer than all timeouts", 60'000, 66'000, 82'000},
        {"between two ticks it is rounded up, but gives no more than a touch does", 60'001, 66'000, 82'000},
    }));
    CAPTURE(c.name);
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(4000), at(0));
    expiry.touch(kBob, Millis(20'000), at(0));
    CHECK(expired_at(expiry, at(0)).empty());
    CHECK(expired_at(expiry, at(c.jump_ms)).empty());
    CHECK(expiry.buckets() ==
          std::map<Instant, std::set<SessionId>>{{at(c.alice_ends_ms), {kAlice}}, {at(c.bob_ends_ms), {kBob}}});
    CHECK(first_end(expiry, at(c.jump_ms), at(100'000)) == at(c.alice_ends_ms));
    CHECK(first_end(expiry, at(c.alice_ends_ms), at(100'000)) == at(c.bob_ends_ms));
}

TEST_CASE("what a session had left when the clock stood still it has left afterwards", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(20'000), at(0));
    CHECK(first_end(expiry, at(0), at(15'000)) == Instant::max());
    CHECK(expired_at(expiry, at(75'000)).empty());
    CHECK(first_end(expiry, at(75'000), at(200'000)) == at(82'000));
}

TEST_CASE("one jump behind another does not put deadlines ever farther off", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(4000), at(0));
    Instant now = at(0);
    for (int jumps = 0; jumps < 100; ++jumps, now += Millis(2001)) CHECK(expired_at(expiry, now).empty());
    CHECK(first_end(expiry, now, now + Millis(20'000)) <= now + Millis(4000) + kTick);
}

TEST_CASE("only the timeouts of sessions that are there say what jump is too long", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kBob, Millis(20'000), at(0));
    expiry.touch(kAlice, Millis(4000), at(0));
    SECTION("removed") { expiry.remove(kAlice); }
    SECTION("renegotiated") { expiry.touch(kAlice, Millis(30'000), at(0)); }
    CHECK(expired_at(expiry, at(0)).empty());
    CHECK(expired_at(expiry, at(10'000)).empty());
    CHECK(first_end(expiry, at(10'001), at(100'000)) == at(22'000));
}

TEST_CASE("the first call of advance has nothing to compare with, so it is no jump", "[session][expiry]") {
    Expiry expiry(kTick);
    expiry.touch(kAlice, Millis(4000), at(0));
    CHECK(expired_at(expiry, at(6000)) == Sessions{kAlice});
}

/// The contract as plainly as it can be written.
class NaiveExpiry {
public:
    explicit NaiveExpiry(Millis tick) : tick_(tick) {}

    void touch(SessionId session, Millis timeout, Instant now) {
        sessions_[session] = {timeout, next_tick_after(now + timeout)};
    }
    void remove(SessionId session) { sessions_.erase(session); }
    Sessions advance(Instant now) {
        const auto jump = now - before_.value_or(now);
        before_ = now;
        const bool late = std::ranges::any_of(sessions_, [&](const auto& s) { return jump > s.second.timeout / 2; });
        std::vector<std::pair<Instant, SessionId>> due;
        for (auto& [session, lease] : sessions_) {
            if (late) {
                lease.end =
                    std::min(next_tick_after(lease.end + jump - Millis(1)), next_tick_after(now + lease.timeout));
            }
            if (lease.end <= now) due.emplace_back(lease.end, session);
        }
        std::ranges::sort(due);
        Sessions expired;
        for (const auto& [end, session] : due) expired.push_back(session), sessions_.erase(session);
        return expired;
    }
    [[nodiscard]] std::map<Instant, std::set<SessionId>> buckets() const {
        std::map<Instant, std::set<SessionId>> buckets;
        for (const auto& [session, lease] : sessions_) buckets[lease.end].insert(session);
        return buckets;
    }

private:
    struct Lease {
        Millis timeout;
        Instant end;
    };
    [[nodiscard]] Instant next_tick_after(Instant time) const {
        Instant multiple{};
        while (multiple <= time) multiple += tick_;
        return multiple;
    }

    Millis tick_;
    std::map<SessionId, Lease> sessions_;
    std::optional<Instant> before_;
};

TEST_CASE("random touches, removals, steps and pauses do what the contract says", "[session][expiry]") {
    const auto seed = GENERATE(range(1u, 101u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto any_of = [&](std::int64_t from, std::int64_t to) {
        return std::uniform_int_distribution<std::int64_t>(from, to)(random);
    };
    const Millis tick(any_of(1, 30));
    Expiry expiry(tick);
    NaiveExpiry naive(tick);
    Instant now = at(any_of(0, 100));
    for (int step = 0; step < 500; ++step) {
        const SessionId session{any_of(1, 8)};
        const auto action = any_of(0, 99);
        if (action < 45) {
            const Millis timeout(2 * any_of(10, 50));
            expiry.touch(session, timeout, now);
            naive.touch(session, timeout, now);
        } else if (action < 50) {
            expiry.remove(session);
            naive.remove(session);
        } else {
            now += Millis(action < 97 ? any_of(0, 10) : any_of(11, 300));
            CHECK(expired_at(expiry, now) == naive.advance(now));
        }
        REQUIRE(expiry.buckets() == naive.buckets());
    }
}

}  // namespace
}  // namespace zabd::session
