// The session: greeting, taking up, loss and end; identities, pings, closing.
#include "tests/unit/client/dialogue.hpp"
#include "wire/requests.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::client;
using namespace zabd::client::tests;
using wire::ErrorCode;
using wire::OpCode;
using Ops = std::vector<OpCode>;
using Strings = std::vector<std::string>;

namespace {

/// Of an earlier process.
Session kept_session() {
    Session kept{.id = SessionId{0x99}};
    kept.password.fill('q');
    return kept;
}

}  // namespace

// --- greeting --------------------------------------------------------------------------------------------------------

TEST_CASE("the first greeting asks for a new session", "[client]") {
    Dialogue talk({.session_timeout = 7s, .allow_read_only = true});
    const auto greeting = talk.open();
    CHECK(greeting.session == SessionId::kNone);
    CHECK(greeting.timeout_ms == 7'000);
    CHECK(greeting.last_zxid_seen == Zxid());
    CHECK(greeting.read_only == true);
    CHECK(greeting.password->size() == wire::kPasswordBytes);
    CHECK(talk.protocol.state() == State::kConnecting);
}

TEST_CASE("later ones take the session up, and name what has been seen", "[client]") {
    Dialogue talk;
    talk.open();
    auto reply = granted(SessionId{0x77});
    reply.timeout_ms = 4'000;
    reply.password.fill('p');
    talk.greet(reply);
    CHECK(talk.protocol.state() == State::kConnected);
    CHECK(talk.protocol.session_timeout() == 4s);
    talk.ask(talk.make.get("/a", {}));
    talk.answer(talk.hear()[0].xid, ErrorCode::kOk, {}, Zxid(42));
    talk.event(wire::EventType::kNodeCreated, "/b", kZxidUnknown);
    talk.disconnect();
    const auto greeting = talk.open();
    CHECK(greeting.session == SessionId{0x77});
    CHECK(*greeting.password == std::string(16, 'p'));
    CHECK(greeting.last_zxid_seen == Zxid(42));
}

TEST_CASE("a session of an earlier process is taken up", "[client]") {
    Dialogue talk({.session = kept_session()});
    const auto greeting = talk.open();
    CHECK(greeting.session == SessionId{0x99});
    CHECK(*greeting.password == std::string(16, 'q'));
}

TEST_CASE("a greeting that does not decode ends the connection", "[client]") {
    Dialogue talk;
    talk.open();
    talk.send(framed("no greeting"));
    CHECK(talk.protocol.fault() != nullptr);
    CHECK(talk.protocol.state() == State::kConnecting);
}

TEST_CASE("the state follows the connection", "[client]") {
    Dialogue talk;
    Listener listener;
    talk.protocol.add_sink(listener);
    talk.connect();
    talk.disconnect();
    talk.connect();
    CHECK(listener.heard() == Strings{"state connected", "state suspended", "state connected"});
}

// --- the end of a session --------------------------------------------------------------------------------------------

TEST_CASE("a refused session is lost, and a new one is asked for", "[client]") {
    Dialogue talk;
    Listener listener;
    talk.protocol.add_sink(listener);
    talk.connect();
    talk.disconnect();
    const auto unsent = talk.ask(talk.make.remove("/a", {}));
    talk.open();
    talk.greet(refused());
    CHECK(talk.protocol.fault() != nullptr);
    CHECK(*unsent == Errc::kNotSent);
    talk.disconnect();
    CHECK(!talk.protocol.over());
    CHECK(talk.open().session == SessionId::kNone);
    talk.greet(granted(SessionId{0x52}));
    CHECK(listener.heard() == Strings{"state connected", "state suspended", "state lost", "state connected"});
    CHECK(talk.protocol.session().id == SessionId{0x52});
}

TEST_CASE("without renewal the client is over with its session", "[client]") {
    Dialogue talk({.session = kept_session(), .renew_session = false});
    const auto identity = talk.ask(talk.make.add_auth("digest", "a:b", {}));
    talk.open();
    talk.greet(refused());
    CHECK(talk.protocol.over());
    CHECK(*identity == Errc::kSessionExpired);
    CHECK(talk.protocol.refusal(talk.make.get("/a", {})) == Errc::kSessionExpired);
}

TEST_CASE("a read-only server's session is its own", "[client]") {
    Dialogue talk({.allow_read_only = true});
    talk.open();
    talk.greet(granted(SessionId{0x60}, true));
    CHECK(talk.protocol.state() == State::kConnectedReadOnly);
    talk.disconnect();
    CHECK(talk.open().session == SessionId::kNone);
}

TEST_CASE("a session made elsewhere survives a visit to a read-only server", "[client]") {
    Dialogue talk({.allow_read_only = true});
    talk.connect();
    talk.disconnect();
    talk.open();
    talk.greet(granted(Dialogue::kSession, true));
    talk.disconnect();
    CHECK(talk.open().session == Dialogue::kSession);
}

// --- identities ------------------------------------------------------------------------------------------------------

TEST_CASE("identities go in front of the requests of every connection", "[client]") {
    Dialogue talk;
    const auto early = talk.ask(talk.make.add_auth("digest", "a:b", {}));
    talk.ask(talk.make.get("/a", {}));
    talk.connect();
    const auto late = talk.ask(talk.make.add_auth("digest", "c:d", {}));
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kAuth, OpCode::kGetData, OpCode::kAuth});
    talk.answer(-4);
    CHECK(*early == Errc{});
    CHECK(late->waits());
    talk.disconnect();
    talk.connect();
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kAuth, OpCode::kAuth, OpCode::kGetData});
    talk.answer(-4);
    talk.answer(-4);
    CHECK(*late == Errc{});
    CHECK(early->times == 1);
}

TEST_CASE("credentials that are refused end the client", "[client]") {
    Dialogue talk;
    talk.connect();
    const auto identity = talk.ask(talk.make.add_auth("digest", "a:b", {}));
    const auto waiting = talk.ask(talk.make.get("/a", {}));
    talk.hear();
    talk.answer(-4, ErrorCode::kAuthFailed);
    CHECK(*identity == Errc::kAuthFailed);
    CHECK(*waiting == Errc::kAuthFailed);
    CHECK(talk.protocol.state() == State::kAuthFailed);
    CHECK(talk.protocol.fault() != nullptr);
    CHECK(talk.protocol.over());
    talk.disconnect();
    CHECK(talk.protocol.refusal(talk.make.get("/a", {})) == Errc::kAuthFailed);
}

TEST_CASE("waiting for an identity has a deadline and can be given up", "[client]") {
    Dialogue talk;
    const auto late = talk.ask(talk.make.add_auth("digest", "a:b", {.timeout = 1s}));
    const auto given_up = talk.ask(talk.make.add_auth("digest", "c:d", {}));
    talk.protocol.give_up(talk.last, Errc::kClosed);
    CHECK(*given_up == Errc::kClosed);
    talk.pass(1s);
    CHECK(*late == Errc::kOperationTimeout);
    talk.connect();
    CHECK(talk.hear().size() == 2);  // they stay the client's
}

// --- silence ---------------------------------------------------------------------------------------------------------

TEST_CASE("a ping leaves after a third of the timeout without requests", "[client]") {
    Dialogue talk;
    talk.connect();
    CHECK(talk.protocol.next_wakeup() == talk.now + 3s);
    talk.pass(2s);
    talk.ask(talk.make.get("/a", {}));
    talk.answer_all();
    talk.pass(2999ms);
    CHECK(talk.hear().empty());
    talk.pass(1ms);
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kPing});
    talk.pass(1s);
    CHECK(talk.hear().empty());  // one at a time
    talk.answer(wire::kXidPing);
    CHECK(talk.protocol.fault() == nullptr);
}

TEST_CASE("a server that is silent for two thirds of the timeout is left", "[client]") {
    Dialogue talk;
    talk.connect();
    talk.pass(3s);
    talk.hear();
    talk.pass(2999ms);
    CHECK(talk.protocol.fault() == nullptr);
    talk.pass(1ms);
    CHECK(talk.protocol.fault() != nullptr);
}

TEST_CASE("the session's deadline counts from what the server is known to have heard", "[client]") {
    Dialogue talk;
    const auto start = talk.now;
    talk.connect();
    CHECK(talk.protocol.session_deadline() == start + 9s);
    talk.pass(1s);
    talk.ask(talk.make.get("/a", {}));
    const auto asked = talk.hear();
    talk.pass(1s);
    CHECK(talk.protocol.session_deadline() == start + 9s);
    talk.answer(asked[0].xid);
    CHECK(talk.protocol.session_deadline() == start + 10s);
    talk.pass(2s);
    talk.hear();  // a ping
    talk.pass(1s);
    talk.answer(wire::kXidPing);
    CHECK(talk.protocol.session_deadline() == start + 13s);
}

// --- closing ---------------------------------------------------------------------------------------------------------

TEST_CASE("closing ends the session at the server, and all that waits", "[client]") {
    Dialogue talk;
    Listener listener;
    talk.connect();
    talk.protocol.add_sink(listener);
    const auto sent = talk.ask(talk.make.remove("/a", {}));
    talk.hear(5);
    const auto unsent = talk.ask(talk.make.remove("/b", {}));
    const auto closed = std::make_shared<Outcome>();
    talk.protocol.close(talk.call(closed), talk.now);
    CHECK(*sent == Errc::kClosed);
    CHECK(*unsent == Errc::kClosed);
    CHECK(closed->waits());
    CHECK(listener.heard() == Strings{"state closed"});
    const auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kDelete, OpCode::kCloseSession});
    for (const auto& each : asked) talk.answer(each.xid);
    CHECK(*closed == Errc{});
    talk.disconnect();
    CHECK(closed->times == 1);
    CHECK(talk.protocol.refusal(talk.make.get("/a", {})) == Errc::kClosed);
    CHECK(talk.protocol.next_wakeup() == Instant::max());
}

TEST_CASE("closing ends with the connection, or at once without one", "[client]") {
    Dialogue talk;
    const auto closed = std::make_shared<Outcome>();
    const bool connected = GENERATE(true, false);
    if (connected) talk.connect();
    talk.protocol.close(talk.call(closed), talk.now);
    CHECK(closed->waits() == connected);
    talk.disconnect();
    CHECK(*closed == Errc{});
    CHECK(talk.protocol.over());
}

TEST_CASE("a client closed before it is greeted closes the session that it gets", "[client]") {
    Dialogue talk;
    Listener listener;
    const auto closed = std::make_shared<Outcome>();
    talk.open();
    talk.protocol.add_sink(listener);
    talk.protocol.close(talk.call(closed), talk.now);
    CHECK(closed->waits());
    SECTION("granted") {
        talk.greet(granted());
        const auto asked = talk.hear();
        REQUIRE(ops_of(asked) == Ops{OpCode::kCloseSession});
        talk.answer(asked[0].xid);
    }
    SECTION("refused") { talk.greet(refused()); }
    talk.disconnect();
    CHECK(*closed == Errc{});
    CHECK(talk.protocol.state() == State::kClosed);
    CHECK(listener.heard() == Strings{"state closed"});
}
