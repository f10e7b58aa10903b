#include "zab/participant.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

namespace zabd::zab {
namespace {

using Lines = std::vector<std::string>;

std::string text(Zxid zxid) { return std::to_string(zxid.epoch()) + ":" + std::to_string(zxid.counter()); }

/// What came out, as text: "append 0:1 a", "deliver 0:1 a".
std::string text(const Output& output) {
    if (const auto* append = std::get_if<AppendToLog>(&output))
        return "append " + text(append->zxid) + " " + std::string(append->txn.view());
    if (const auto* deliver = std::get_if<Deliver>(&output))
        return "deliver " + text(deliver->zxid) + " " + std::string(deliver->txn.view());
    if (std::holds_alternative<Confirmed>(output)) return "confirmed";
    return "other";
}

/// A server alone.
class Script {
public:
    explicit Script(Zxid applied = {}, Options options = {})
        : participant(std::move(options), Recovered{applied, applied, {.has_history = true}, {}}) {}

    Lines step(const Input& input) {
        std::vector<Output> out;
        participant.step(Instant(Millis(0)), input, out);
        Lines lines;
        for (const auto& output : out)
            if (const auto line = text(output); line != "other") lines.push_back(line);
        return lines;
    }
    Script& start() {
        step(Start{});
        return *this;
    }
    Lines submit(std::string_view txn) { return step(Submit{participant.next_zxid(), Bytes::copy_of(txn)}); }
    Lines durable(Epoch epoch, Counter counter) { return step(LogDurable{Zxid::of(epoch, counter)}); }
    Lines logged(Epoch epoch, Counter counter, std::string_view txn) {
        return step(Logged{Zxid::of(epoch, counter), Bytes::copy_of(txn)});
    }

    Participant participant;
};

TEST_CASE("a server alone serves as soon as it starts", "[zab][participant]") {
    Script script;
    CHECK_FALSE(script.participant.serving());
    script.start();
    CHECK(script.participant.serving());
    CHECK(script.participant.accepts());
    CHECK(script.participant.leader() == ServerId{1});
}

TEST_CASE("a transaction is logged at once and delivered when the log has it", "[zab][participant]") {
    Script script;
    script.start();
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
    script.start();
    for (const auto* txn : {"a", "b", "c", "d"}) script.submit(txn);
    CHECK(script.durable(0, 3) == Lines{"deliver 0:1 a", "deliver 0:2 b", "deliver 0:3 c"});
    CHECK(script.durable(0, 3).empty());
    CHECK(script.durable(0, 4) == Lines{"deliver 0:4 d"});
}

TEST_CASE("alone, recovered records are delivered as they come", "[zab][participant]") {
    Script script(Zxid::of(2, 5));
    CHECK(script.logged(2, 6, "a") == Lines{"deliver 2:6 a"});
    CHECK(script.logged(3, 1, "b") == Lines{"deliver 3:1 b"});
    script.start();
    CHECK(script.participant.next_zxid() == Zxid::of(3, 2));
}

TEST_CASE("alone, the epoch goes on across restarts, and moves when the counter runs out", "[zab][participant]") {
    Options options;
    options.counter_max = 3;
    Script script(Zxid::of(7, 2), options);
    script.start();
    CHECK(script.submit("a") == Lines{"append 7:3 a"});
    CHECK(script.participant.accepts());
    CHECK(script.submit("b") == Lines{"append 8:1 b"});
}

TEST_CASE("Z-46: alone, the last counters of an epoch are left alone", "[zab][participant]") {
    Script script(Zxid::of(7, kCounterMax - 1));
    script.start();
    CHECK(script.submit("a") == Lines{"append 7:" + std::to_string(kCounterMax) + " a"});
    CHECK(script.submit("b") == Lines{"append 8:1 b"});
}

TEST_CASE("alone, a question about leadership is answered at once", "[zab][participant]") {
    Script script;
    CHECK(script.start().step(Confirm{}) == Lines{"confirmed"});
}

TEST_CASE("random submissions and syncs keep the order", "[zab][participant]") {
    std::mt19937 random(7);
    Script script;
    script.start();
    Counter proposed = 0, delivered = 0, durable = 0;
    for (int n = 0; n < 2000; ++n) {
        if (random() % 2 == 0) {
            script.submit("t");
            ++proposed;
        } else if (durable < proposed) {
            durable += 1 + static_cast<Counter>(random() % (proposed - durable));
            for (const auto& line : script.durable(0, durable)) {
                ++delivered;
                CHECK(line == "deliver 0:" + std::to_string(delivered) + " t");
            }
            CHECK(delivered == durable);
        }
    }
}

}  // namespace
}  // namespace zabd::zab
