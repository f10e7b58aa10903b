// Requests and their answers, on connections that come and go.
#include "wire/requests.hpp"

#include "tests/unit/client/dialogue.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::client;
using namespace zabd::client::tests;
using wire::ErrorCode;
using wire::OpCode;
using Ops = std::vector<OpCode>;

TEST_CASE("answers go to requests in the order of asking", "[client]") {
    Dialogue talk;
    talk.connect();
    const auto first = talk.ask(talk.make.get("/a", {}));
    const auto second = talk.ask(talk.make.remove("/b", {}));
    const auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kGetData, OpCode::kDelete});
    CHECK(asked[1].xid == asked[0].xid + 1);
    talk.answer(asked[0].xid, ErrorCode::kOk, "body");
    CHECK(*first == Errc{});
    CHECK(first->body == "body");
    CHECK(second->waits());
    talk.answer(asked[1].xid, ErrorCode::kNoNode);
    CHECK(*second == Errc::kNoNode);
}

TEST_CASE("answers may come in any pieces", "[client]") {
    const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{17}, std::size_t{1000});
    Dialogue talk;
    talk.connect();
    std::vector<Outcomes> outcomes;
    for (int i = 0; i < 5; ++i) outcomes.push_back(talk.ask(talk.make.get("/a", {})));
    std::string bytes;
    for (const auto& asked : talk.hear()) bytes += reply_bytes(asked.xid, ErrorCode::kOk, "body");
    for (std::size_t at = 0; at < bytes.size(); at += piece) talk.send(bytes.substr(at, piece));
    for (const auto& outcome : outcomes) {
        CHECK(*outcome == Errc{});
        CHECK(outcome->body == "body");
    }
}

TEST_CASE("requests made before there is a session leave with it, in their order", "[client]") {
    Dialogue talk;
    talk.ask(talk.make.get("/a", {}));
    talk.ask(talk.make.remove("/b", {}));
    talk.open();
    CHECK(talk.hear().empty());
    talk.greet(granted());
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kGetData, OpCode::kDelete});
}

// --- a lost connection -----------------------------------------------------------------------------------------------

TEST_CASE("what a lost connection means for a request", "[client]") {
    struct Case {
        const char* name;
        bool write;
        std::size_t sent_bytes;
        bool asked_again;
    };
    constexpr auto kAll = std::string::npos;
    const auto c = GENERATE_COPY(values<Case>({
        {"a write that was sent is in doubt", true, kAll, false},
        {"so is one of which a part was sent", true, 1, false},
        {"a write that was not sent waits for the next", true, 0, true},
        {"a read is asked again", false, kAll, true},
        {"a read of which a part was sent is asked again from its start", false, 5, true},
        {"a read that was not sent waits", false, 0, true},
    }));
    CAPTURE(c.name);
    Dialogue talk;
    talk.connect();
    const auto outcome = talk.ask(c.write ? talk.make.remove("/a", {}) : talk.make.get("/a", {}));
    talk.hear(c.sent_bytes);
    talk.disconnect();
    CHECK(outcome->waits() == c.asked_again);
    if (!c.asked_again) CHECK(*outcome == Errc::kConnectionLoss);
    talk.connect();
    CHECK(talk.hear().size() == (c.asked_again ? 1 : 0));
}

TEST_CASE("wherever the bytes are cut, the next connection gets whole requests", "[client]") {
    const auto make_all = [](Dialogue& talk) {
        std::vector<Outcomes> outcomes;
        for (int i = 0; i < 3; ++i) {
            outcomes.push_back(talk.ask(talk.make.get("/some/path", {.linearizable = true})));
            outcomes.push_back(talk.ask(talk.make.set("/some/path", "data", {})));
        }
        return outcomes;
    };
    std::size_t bytes = 0;
    {
        Dialogue talk;
        talk.connect();
        make_all(talk);
        bytes = talk.protocol.to_send().size();
    }
    for (std::size_t cut = 0; cut <= bytes; ++cut) {
        Dialogue talk;
        talk.connect();
        const auto outcomes = make_all(talk);
        talk.hear(cut);
        talk.disconnect();
        std::size_t lost = 0;
        for (const auto& outcome : outcomes) lost += outcome->times;
        talk.connect();
        const auto asked = talk.hear();
        CAPTURE(cut, lost);
        CHECK(asked.size() == 9 - lost);  // three of the reads have a sync in front
        for (const auto& each : asked) talk.answer(each.xid, ErrorCode::kOk, "body");
        CHECK(talk.protocol.fault() == nullptr);
        for (const auto& outcome : outcomes) CHECK(outcome->times == 1);
    }
}

TEST_CASE("reads are not asked again where that is not wanted", "[client]") {
    Dialogue talk({.retry_reads = false});
    talk.connect();
    const auto sent = talk.ask(talk.make.get("/a", {}));
    talk.hear();
    const auto unsent = talk.ask(talk.make.get("/b", {}));
    talk.disconnect();
    CHECK(*sent == Errc::kConnectionLoss);
    CHECK(unsent->waits());
}

TEST_CASE("a linearizable read never leaves without its sync", "[client]") {
    Dialogue talk({.retry_reads = false});
    talk.connect();
    const auto read = talk.ask(talk.make.get("/a", {.linearizable = true}));
    const auto bytes = talk.protocol.to_send().size();
    const auto of_sync = GENERATE_COPY(range(std::size_t{0}, std::size_t{40}));
    if (of_sync >= bytes) return;
    CHECK(talk.hear(of_sync).size() <= 1);
    talk.disconnect();
    talk.connect();
    const auto asked = ops_of(talk.hear());
    CHECK(asked == (read->waits() ? Ops{OpCode::kSync, OpCode::kGetData} : Ops{}));
}

TEST_CASE("a sync that fails fails the read behind it", "[client]") {
    Dialogue talk;
    talk.connect();
    const auto read = talk.ask(talk.make.get("/a", {.linearizable = true}));
    const auto next = talk.ask(talk.make.get("/a", {.linearizable = true}));
    const auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kSync, OpCode::kGetData, OpCode::kSync, OpCode::kGetData});
    talk.answer(asked[0].xid, ErrorCode::kSystemError);
    for (std::size_t i = 1; i < asked.size(); ++i) talk.answer(asked[i].xid, ErrorCode::kOk, "stale");
    CHECK(*read == Errc::kSystemError);
    CHECK(*next == Errc{});
}

// --- deadlines and giving up -----------------------------------------------------------------------------------------

TEST_CASE("a deadline tells whether the request had left", "[client]") {
    Dialogue talk;
    talk.connect();
    const auto sent = talk.ask(talk.make.remove("/a", {.timeout = 1s}));
    talk.hear(3);
    const auto unsent = talk.ask(talk.make.remove("/b", {.timeout = 1s}));
    const auto later = talk.ask(talk.make.remove("/c", {.timeout = 2s}));
    CHECK(talk.protocol.next_wakeup() == talk.now + 1s);
    talk.pass(999ms);
    CHECK(sent->waits());
    talk.pass(1ms);
    CHECK(*sent == Errc::kOperationTimeout);
    CHECK(*unsent == Errc::kNotSent);
    CHECK(later->waits());

    const auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kDelete, OpCode::kDelete});  // the first went on to its end
    for (const auto& each : asked) talk.answer(each.xid);
    CHECK(*later == Errc{});
    CHECK(sent->times == 1);
}

TEST_CASE("deadlines run while there is no connection", "[client]") {
    Dialogue talk({.operation_timeout = 5s});
    const auto by_default = talk.ask(talk.make.get("/a", {}));
    CHECK(talk.protocol.next_wakeup() == talk.now + 5s);
    talk.pass(5s);
    CHECK(*by_default == Errc::kNotSent);
    CHECK(talk.protocol.next_wakeup() == Instant::max());
    talk.connect();
    CHECK(talk.hear().empty());
}

TEST_CASE("nothing is left to wake up for once all is answered", "[client]") {
    Dialogue talk;
    talk.connect();
    talk.ask(talk.make.get("/a", {.timeout = 1s}));
    talk.answer_all();
    talk.disconnect();
    CHECK(talk.protocol.next_wakeup() == Instant::max());
}

TEST_CASE("a request that is given up does not leave, and its sync neither", "[client]") {
    Dialogue talk;
    const auto before = talk.ask(talk.make.get("/a", {}));
    const auto given_up = talk.ask(talk.make.get("/b", {.linearizable = true}));
    const auto number = talk.last;
    const auto after = talk.ask(talk.make.remove("/c", {}));
    talk.protocol.give_up(number, Errc::kClosed);
    CHECK(*given_up == Errc::kClosed);
    talk.protocol.give_up(number, Errc::kClosed);  // no more
    CHECK(given_up->times == 1);
    talk.connect();
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kGetData, OpCode::kDelete});
    CHECK((before->waits() && after->waits()));
}

TEST_CASE("an answer to what was given up is passed over", "[client]") {
    Dialogue talk;
    talk.connect();
    const auto given_up = talk.ask(talk.make.get("/a", {}));
    const auto number = talk.last;
    const auto asked = talk.hear();
    const auto next = talk.ask(talk.make.get("/b", {}));
    talk.protocol.give_up(number, Errc::kOperationTimeout);
    talk.answer(asked[0].xid, ErrorCode::kOk, "late");
    talk.answer_all();
    CHECK(*given_up == Errc::kOperationTimeout);
    CHECK(*next == Errc{});
}

TEST_CASE("a sync whose read was given up alone is not asked again", "[client]") {
    Dialogue talk;
    talk.connect();
    talk.ask(talk.make.get("/a", {.linearizable = true}));
    talk.hear(3);  // of the sync
    talk.protocol.give_up(talk.last, Errc::kOperationTimeout);
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kSync});
    talk.disconnect();
    talk.connect();
    CHECK(talk.hear().empty());
}

// --- bounds ----------------------------------------------------------------------------------------------------------

TEST_CASE("what cannot be asked is refused", "[client]") {
    Dialogue talk({.request_bytes_max = 100, .requests_max = 2, .queued_bytes_max = 150});
    const auto large = talk.make.create("/a", std::string(100, 'x'), {});
    CHECK(talk.protocol.refusal(large) == Errc::kRequestTooLarge);
    CHECK(talk.protocol.refusal(talk.make.get("a", {})) == Errc::kBadArguments);
    SECTION("too many") {
        talk.ask(talk.make.get("/a", {}));
        talk.ask(talk.make.get("/a", {}));
        CHECK(talk.protocol.refusal(talk.make.get("/a", {})) == Errc::kTooManyRequests);
        talk.connect();
        talk.answer_all();
        CHECK(!talk.protocol.refusal(talk.make.get("/a", {})));
    }
    SECTION("too many bytes") {
        talk.ask(talk.make.set("/a", std::string(60, 'x'), {}));
        CHECK(talk.protocol.refusal(talk.make.set("/a", std::string(60, 'x'), {})) == Errc::kTooManyRequests);
    }
}

TEST_CASE("bytes of answered requests are let go", "[client]") {
    Dialogue talk({.queued_bytes_max = 300'000});
    talk.connect();
    for (int i = 0; i < 100; ++i) {
        talk.ask(talk.make.set("/a", std::string(100'000, 'x'), {}));
        talk.ask(talk.make.get("/a", {}));
        talk.answer_all();
    }
    CHECK(talk.protocol.waiting() == 0);
}

// --- a server that is none -------------------------------------------------------------------------------------------

TEST_CASE("garbage from the server ends the connection, never the client", "[client]") {
    struct Case {
        const char* name;
        std::string bytes;
    };
    const auto c = GENERATE(values<Case>({
        {"a length below zero", "\xff\xff\xff\xff"},
        {"a length above the limit", std::string("\x10\x00\x00\x00", 4)},
        {"a frame too short for a header", framed("short")},
        {"an empty frame", framed("")},
        {"an answer to what was not asked", reply_bytes(4711)},
        {"an event that does not decode", reply_bytes(wire::kXidWatchEvent, ErrorCode::kOk, "x")},
        {"an event of no path",
         reply_bytes(wire::kXidWatchEvent, ErrorCode::kOk, wire::encoded(wire::WatcherEvent{.path = "no/path"}))},
    }));
    CAPTURE(c.name);
    Dialogue talk;
    talk.connect();
    const auto outcome = talk.ask(talk.make.get("/a", {}));
    talk.hear();
    talk.send(c.bytes);
    CHECK(talk.protocol.fault() != nullptr);
    talk.disconnect();
    CHECK(outcome->waits());
    talk.connect();
    talk.answer_all();
    CHECK(*outcome == Errc{});
}

TEST_CASE("answers that nobody waits for are passed over", "[client]") {
    Dialogue talk;
    talk.connect();
    talk.answer(-4);
    talk.answer(-8, ErrorCode::kSystemError);
    talk.answer(wire::kXidPing);
    talk.event(static_cast<wire::EventType>(77), "/a");
    CHECK(talk.protocol.fault() == nullptr);
}

TEST_CASE("a connection that only greets has served nothing", "[client]") {
    Dialogue talk;
    talk.connect();
    CHECK(!talk.protocol.served());
    talk.answer(wire::kXidPing);
    CHECK(talk.protocol.served());
    talk.disconnect();
    talk.connect();
    CHECK(!talk.protocol.served());
}
