#include "zab/participant.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

namespace zabd::zab {
namespace {

/// What came out, as text: "append 0:1 a", "deliver 0:1 a".
std::string text(const Output& output) {
    return std::visit(
        [](const auto& o) {
            constexpr bool append = std::is_same_v<decltype(o), const AppendToLog&>;
            return std::string(append ? "append " : "deliver ") + std::to_string(o.zxid.epoch()) + ":" +
                   std::to_string(o.zxid.counter()) + " " + std::string(o.txn.view());
        },
        output);
}

using Lines = std::vector<std::string>;

class Script {
public:
    explicit Script(Zxid applied = {}, Options options = {}) : participant(std::move(options), applied) {}

    Lines step(const Input& input) {
        std::vector<Output> out;
        participant.step(input, out);
        Lines lines;
        for (const auto& output : out) lines.push_back(text(output));
        return lines;
    }
    Lines submit(std::string_view txn) { return step(Submit{participant.next_zxid(), Bytes::copy_of(txn)}); }
    Lines durable(Epoch epoch, Counter counter) { return step(LogDurable{Zxid::of(epoch, counter)}); }
    Lines logged(Epoch epoch, Counter counter, std::string_view txn) {
        return step(Logged{Zxid::of(epoch, counter), Bytes::copy_of(txn)});
    }

    Participant participant;
};

TEST_CASE("a transaction is logged at once and delivered when the log has it", "[zab][participant]") {
    Script script;
    CHECK(script.submit("a") == Lines{"append 0:1 a"});
    CHECK(script.participant.in_flight() == 1);
    CHECK(script.participant.zxid_proposed() == Zxid::of(0, 1));
    CHECK(script.participant.zxid_committed() == Zxid{});
    CHECK(script.durable(0, 1) == Lines{"deliver 0:1 a"});
    CHECK(script.participant.in_flight() == 0);
    CHECK(script.participant.zxid_durable() == Zxid::of(0, 1));
    CHECK(script.participant.zxid_committed() == Zxid::of(0, 1));
}

TEST_CASE("one sync delivers all that it made durable, in order, and nothing behind", "[zab][participant]") {
    Script script;
    for (const auto* txn : {"a", "b", "c", "d"}) script.submit(txn);
    CHECK(script.durable(0, 3) == Lines{"deliver 0:1 a", "deliver 0:2 b", "deliver 0:3 c"});
    CHECK(script.participant.in_flight() == 1);
    CHECK(script.durable(0, 3).empty());
    CHECK(script.durable(0, 4) == Lines{"deliver 0:4 d"});
}

TEST_CASE("a null transaction stays null", "[zab][participant]") {
    Script script;
    std::vector<Output> out;
    script.participant.step(Submit{Zxid::of(0, 1), Bytes()}, out);
    script.participant.step(LogDurable{Zxid::of(0, 1)}, out);
    REQUIRE(out.size() == 2);
    CHECK(std::get<AppendToLog>(out[0]).txn.null());
    CHECK(std::get<Deliver>(out[1]).txn.null());
}

TEST_CASE("the recovered log is delivered at once and not logged again", "[zab][participant]") {
    Script script(Zxid::of(2, 7));
    CHECK(script.logged(2, 8, "a") == Lines{"deliver 2:8 a"});
    CHECK(script.logged(2, 9, "b") == Lines{"deliver 2:9 b"});
    CHECK(script.participant.zxid_durable() == Zxid::of(2, 9));
    CHECK(script.submit("c") == Lines{"append 2:10 c"});
}

TEST_CASE("a recovered history may move to counter 1 of any later epoch", "[zab][participant]") {
    Script script(Zxid::of(2, 7));
    CHECK(script.logged(3, 1, "a") == Lines{"deliver 3:1 a"});
    CHECK(script.logged(9, 1, "b") == Lines{"deliver 9:1 b"});
    CHECK(script.participant.next_zxid() == Zxid::of(9, 2));
}

TEST_CASE("the state that was recovered is where counting goes on", "[zab][participant]") {
    struct Case {
        const char* name;
        Zxid applied, next;
    };
    const auto c = GENERATE(values<Case>({
        {"a fresh server begins with the first zxid", Zxid{}, Zxid::of(0, 1)},
        {"the epoch is kept", Zxid::of(5, 41), Zxid::of(5, 42)},
        {"an epoch in which nothing happened yet", Zxid::of(5, 0), Zxid::of(5, 1)},
        {"the last counter that is used", Zxid::of(5, kCounterMax - 1), Zxid::of(5, kCounterMax)},
        {"behind it comes the next epoch", Zxid::of(5, kCounterMax), Zxid::of(6, 1)},
        {"a history from elsewhere used more of its counters", Zxid::of(5, 0xffffffff), Zxid::of(6, 1)},
        {"epochs beyond the signed range", Zxid::of(0x7fffffff, kCounterMax), Zxid::of(0x80000000, 1)},
    }));
    CAPTURE(c.name);
    const Participant participant({}, c.applied);
    CHECK(participant.zxid_proposed() == c.applied);
    CHECK(participant.zxid_durable() == c.applied);
    CHECK(participant.zxid_committed() == c.applied);
    CHECK(participant.next_zxid() == c.next);
}

TEST_CASE("the counter runs out in the middle of proposals in flight", "[zab][participant]") {
    Script script(Zxid::of(4, 97), {.counter_max = 100});
    CHECK(script.submit("a") == Lines{"append 4:98 a"});
    CHECK(script.submit("b") == Lines{"append 4:99 b"});
    CHECK(script.submit("c") == Lines{"append 4:100 c"});
    CHECK(script.submit("d") == Lines{"append 5:1 d"});
    CHECK(script.submit("e") == Lines{"append 5:2 e"});
    CHECK(script.durable(4, 99) == Lines{"deliver 4:98 a", "deliver 4:99 b"});
    CHECK(script.durable(5, 1) == Lines{"deliver 4:100 c", "deliver 5:1 d"});
    CHECK(script.durable(5, 2) == Lines{"deliver 5:2 e"});
}

TEST_CASE("with one counter an epoch every transaction has an epoch of its own", "[zab][participant]") {
    Script script({}, {.counter_max = 1});
    CHECK(script.submit("a") == Lines{"append 0:1 a"});
    CHECK(script.submit("b") == Lines{"append 1:1 b"});
    CHECK(script.submit("c") == Lines{"append 2:1 c"});
    CHECK(script.durable(2, 1) == Lines{"deliver 0:1 a", "deliver 1:1 b", "deliver 2:1 c"});
}

TEST_CASE("whatever the disk's pace, all is delivered once, in order, and never before it is durable",
          "[zab][participant]") {
    const auto seed = GENERATE(range(1u, 51u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    Participant participant({.counter_max = 1 + seed % 7}, Zxid{});
    std::vector<Zxid> logged;
    std::size_t synced = 0;
    std::size_t delivered = 0;
    for (int step = 0; step < 300; ++step) {
        std::vector<Output> out;
        if (random() % 3 != 0) {
            participant.step(Submit{participant.next_zxid(), Bytes()}, out);
            REQUIRE(out.size() == 1);
            logged.push_back(std::get<AppendToLog>(out[0]).zxid);
            REQUIRE(logged.back() == participant.zxid_proposed());
        } else if (synced < logged.size()) {
            synced += 1 + random() % (logged.size() - synced);
            participant.step(LogDurable{logged[synced - 1]}, out);
            for (const auto& output : out) REQUIRE(std::get<Deliver>(output).zxid == logged[delivered++]);
            REQUIRE(delivered == synced);
        }
        REQUIRE(participant.in_flight() == logged.size() - delivered);
    }
}

}  // namespace
}  // namespace zabd::zab
