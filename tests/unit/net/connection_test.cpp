#include "net/connection.hpp"

#include "tests/unit/net/loopback.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::net;
using Strings = std::vector<std::string>;

namespace {

const auto kHello = framed("hello");

/// Answers each frame with itself.
void echo(Loopback& loop) {
    loop.recorder.answer_frame = [&](ConnectionId id, std::string_view frame) { loop.server.send(id, framed(frame)); };
}

}  // namespace

TEST_CASE("frames come whole however the bytes are cut", "[net]") {
    const std::string stream = framed("connect") + framed("") + framed("ab") + framed(std::string(300'000, 'x'));
    const auto piece = GENERATE(std::size_t{1000}, std::size_t{64'000}, std::size_t{1'000'000});
    CAPTURE(piece);
    Loopback loop;
    auto client = loop.open();
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        loop.write(client, stream.substr(at, piece));
        loop.io.poll();
    }
    REQUIRE(loop.until([&] { return loop.latest().frames.size() == 4; }));
    CHECK(loop.latest().frames == Strings{"connect", "", "ab", std::string(300'000, 'x')});
}

TEST_CASE("the first bytes may come one by one", "[net]") {
    Loopback loop;
    auto client = loop.open();
    for (const char byte : framed("hi") + framed("you")) {
        loop.write(client, {&byte, 1});
        loop.run_for(1ms);
    }
    REQUIRE(loop.until([&] { return loop.latest().frames.size() == 2; }));
    CHECK(loop.latest().frames == Strings{"hi", "you"});
}

TEST_CASE("what is sent in a turn leaves in order", "[net]") {
    Loopback loop;
    echo(loop);
    auto client = loop.open();
    const std::string stream = framed("one") + framed("two") + framed("three");
    loop.write(client, stream);
    CHECK(loop.read(client, stream.size()) == stream);
}

TEST_CASE("a turn ends once for all the input that was there", "[net]") {
    Loopback loop;
    auto one = loop.open();
    auto two = loop.open();
    REQUIRE(loop.until([&] { return loop.io.poll() == 0; }));
    loop.recorder.turns = 0;
    loop.write(one, kHello + kHello);
    loop.write(two, kHello);
    std::size_t frames = 0;
    loop.recorder.answer_frame = [&](auto, auto) { ++frames; };
    REQUIRE(loop.until([&] { return loop.recorder.turns > 0; }));
    CHECK(frames == 3);
    CHECK(loop.recorder.turns == 1);
}

TEST_CASE("the peer's address and port are told", "[net]") {
    Loopback loop;
    auto client = loop.open();
    CHECK(loop.latest().address == "127.0.0.1");
    CHECK(loop.latest().port == client.local_endpoint().port());
}

TEST_CASE("an IPv4 peer of an IPv6 socket is told as IPv4", "[net]") {
    asio::io_context io{1};
    Recorder recorder;
    ClientServer server{io, {}, recorder};
    REQUIRE(server.listen("", 0));
    tcp::socket client{io};
    client.connect({asio::ip::make_address("127.0.0.1"), server.port()});
    while (recorder.seen.empty()) io.run_one_for(1s);
    CHECK(recorder.seen.begin()->second.address == "127.0.0.1");
}

TEST_CASE("ids ascend and are not used again", "[net]") {
    Loopback loop;
    ConnectionId before = ConnectionId::kNone;
    for (int i = 0; i < 5; ++i) {
        auto client = loop.open();
        CHECK(loop.recorder.last > before);
        before = loop.recorder.last;
        client.close();
        REQUIRE(loop.until([&] { return loop.latest().closed; }));
    }
    CHECK(loop.recorder.seen.size() == 5);
}

TEST_CASE("sending to a connection that is gone does nothing", "[net]") {
    Loopback loop;
    auto client = loop.open();
    const auto gone = loop.recorder.last;
    client.close();
    REQUIRE(loop.until([&] { return loop.latest().closed; }));
    auto next = loop.open();
    loop.server.send(gone, kHello);
    loop.server.close_after_send(gone);
    loop.server.set_reading(gone, false);
    CHECK(loop.server.queued_bytes(gone) == 0);
    loop.server.send(loop.recorder.last, framed("mine"));
    CHECK(loop.read(next, 8) == framed("mine"));
}

TEST_CASE("a word is known by the first four bytes only", "[net]") {
    struct Case {
        const char* name;
        std::string bytes;
        Strings words, frames;
        bool closed;
    };
    const auto c = GENERATE(values<Case>({
        {"a word", "ruok", {"ruok"}, {}, false},
        {"bytes behind it are ignored", "ruok\r\n", {"ruok"}, {}, false},
        {"a word with an argument", "stmk12345678", {"stmk12345678"}, {}, false},
        {"bytes behind the argument are ignored", "stmk12345678\n", {"stmk12345678"}, {}, false},
        {"upper case is a length, far too large", "RUOK", {}, {}, true},
        {"after a frame it is a length", framed("hello") + "ruok", {}, {"hello"}, true},
        {"the telnet interrupt is a negative length", "\xff\xf4\xff\xfd", {}, {}, true},
    }));
    CAPTURE(c.name);
    Loopback loop;
    auto client = loop.open();
    loop.write(client, c.bytes);
    auto& seen = loop.latest();
    REQUIRE(loop.until([&] { return seen.words == c.words && seen.frames == c.frames && seen.closed == c.closed; }));
}

TEST_CASE("a word may come in pieces", "[net]") {
    Loopback loop;
    auto client = loop.open();
    for (const char byte : std::string("stmkabcdefgh")) {
        loop.write(client, {&byte, 1});
        loop.run_for(1ms);
    }
    REQUIRE(loop.until([&] { return !loop.latest().words.empty(); }));
    CHECK(loop.latest().words == Strings{"stmkabcdefgh"});
}

TEST_CASE("a word is answered though its sender has closed its side", "[net]") {
    Loopback loop;
    loop.recorder.answer_word = [&](ConnectionId id, Word) {
        loop.server.send(id, "imok");
        loop.server.close_after_send(id);
    };
    auto client = loop.open();
    loop.write(client, "ruok\n");
    client.shutdown(tcp::socket::shutdown_send);
    CHECK(loop.read_to_end(client) == "imok");
}

TEST_CASE("a frame over the limit, or of negative length, closes", "[net]") {
    struct Case {
        const char* name;
        std::string bytes;
        std::size_t frames;
        bool closed;
    };
    const auto c = GENERATE(values<Case>({
        {"at the limit", framed(std::string(100, 'x')), 1, false},
        {"over the limit", framed(std::string(101, 'x')), 0, true},
        {"over the limit, after another", framed("ok") + framed(std::string(101, 'x')), 1, true},
        {"negative", std::string("\xff\xff\xff\xff", 4), 0, true},
        {"most negative", std::string("\x80\x00\x00\x00", 4), 0, true},
    }));
    CAPTURE(c.name);
    Loopback loop{{.frame_bytes_max = 100}};
    auto client = loop.open();
    loop.write(client, c.bytes);
    auto& seen = loop.latest();
    REQUIRE(loop.until([&] { return seen.frames.size() == c.frames && seen.closed == c.closed; }));
}

TEST_CASE("replies that were due leave before a malformed frame's close", "[net]") {
    Loopback loop;
    echo(loop);
    auto client = loop.open();
    loop.write(client, kHello + std::string("\xff\xff\xff\xff", 4) + "more that nobody reads");
    CHECK(loop.read_to_end(client) == kHello);
}

TEST_CASE("close_after_send delivers everything first", "[net]") {
    const auto size = GENERATE(std::size_t{10}, std::size_t{20} << 20);
    CAPTURE(size);
    Loopback loop;
    const std::string reply(size, 'r');
    loop.recorder.answer_frame = [&](ConnectionId id, std::string_view) {
        loop.server.send(id, reply);
        loop.server.close_after_send(id);
    };
    auto client = loop.open();
    loop.write(client, kHello + kHello + kHello);
    CHECK(loop.read_to_end(client) == reply);
    CHECK(loop.latest().frames.size() == 1);
    REQUIRE(loop.until([&] { return loop.latest().closed; }));
}

TEST_CASE("a peer that keeps talking does not lose the last reply to a reset", "[net]") {
    Loopback loop;
    loop.recorder.answer_frame = [&](ConnectionId id, std::string_view) {
        loop.server.send(id, framed("bye"));
        loop.server.close_after_send(id);
    };
    auto client = loop.open();
    loop.write(client, kHello);
    REQUIRE(loop.until([&] { return loop.latest().closed; }));
    loop.write(client, kHello);
    loop.io.poll();
    CHECK(loop.read_to_end(client) == framed("bye"));
}

TEST_CASE("a peer that does not close its side is let go", "[net]") {
    Loopback loop{{.connections_per_address_max = 1, .linger_timeout = 20ms}};
    auto client = loop.open();
    loop.server.close_after_send(loop.recorder.last);
    REQUIRE(loop.until([&] { return loop.latest().closed; }));
    REQUIRE(loop.until([&] {  // its place is free only when its socket is gone
        auto next = loop.connect();
        loop.run_for(5ms);
        return loop.recorder.seen.size() == 2;
    }));
}

TEST_CASE("no more is read from a paused connection until it is resumed", "[net]") {
    Loopback loop;
    auto client = loop.open();
    loop.server.set_reading(loop.recorder.last, false);
    loop.write(client, kHello);
    loop.run_for(30ms);
    CHECK(loop.latest().frames.empty());
    loop.server.set_reading(loop.recorder.last, true);
    REQUIRE(loop.until([&] { return loop.latest().frames.size() == 1; }));
}

TEST_CASE("connections over the limit of an address are closed at once", "[net]") {
    Loopback loop{{.connections_per_address_max = 2}};
    auto one = loop.open();
    auto two = loop.open();
    auto three = loop.connect();
    CHECK(loop.read_to_end(three).empty());
    CHECK(loop.server.rejected_count() == 1);
    CHECK(loop.server.connection_count() == 2);
    two.close();
    REQUIRE(loop.until([&] { return loop.server.connection_count() == 1; }));
    loop.open();
}

TEST_CASE("connections over the total limit are closed at once", "[net]") {
    Loopback loop{{.connections_per_address_max = 0, .connections_max = 1}};
    auto one = loop.open();
    auto two = loop.connect();
    CHECK(loop.read_to_end(two).empty());
}

TEST_CASE("a connection that says nothing, or too little, is closed", "[net]") {
    const auto bytes =
        GENERATE(values<std::string>({"", std::string(1, '\0'), "stmk123", framed("hello").substr(0, 7)}));
    CAPTURE(bytes);
    Loopback loop{{.first_frame_timeout = 20ms}};
    auto client = loop.open();
    loop.write(client, bytes);
    CHECK(loop.read_to_end(client).empty());
    CHECK(loop.until([&] { return loop.latest().closed; }));
}

TEST_CASE("a frame that does not come to its end closes the connection", "[net]") {
    Loopback loop{{.frame_timeout = 20ms}};
    auto client = loop.open();
    loop.write(client, kHello);
    REQUIRE(loop.until([&] { return loop.latest().frames.size() == 1; }));
    loop.run_for(60ms);
    CHECK_FALSE(loop.latest().closed);  // between frames it may be silent
    loop.write(client, kHello.substr(0, 6));
    CHECK(loop.read_to_end(client).empty());
}

TEST_CASE("a peer that does not read is bounded", "[net]") {
    struct Case {
        const char* name;
        ServerOptions options;
    };
    const auto c = GENERATE(values<Case>({
        {"too much for too long", {.write_bytes_high = 1 << 20, .write_grace = 40ms}},
        {"too much at once", {.write_bytes_max = 1 << 20}},
        {"too much over all", {.write_bytes_total_max = 8 << 20}},
    }));
    CAPTURE(c.name);
    Loopback loop{c.options};
    auto client = loop.open();
    const std::string reply(6 << 20, 'r');
    for (int i = 0; i < 3; ++i) loop.server.send(loop.recorder.last, reply);
    REQUIRE(loop.until([&] { return loop.latest().closed; }));
    CHECK(loop.server.queued_bytes(loop.recorder.last) == 0);
}

TEST_CASE("a peer that does not read is bounded also when little comes at a time", "[net]") {
    Loopback loop{{.write_bytes_high = 1 << 20, .write_grace = 40ms}};
    auto client = loop.open();
    const std::string event(64 << 10, 'e');
    REQUIRE(loop.until([&] {  // whatever the sockets hold, 1 MiB more than that waits at last
        if (loop.server.queued_bytes(loop.recorder.last) <= 1 << 20) loop.server.send(loop.recorder.last, event);
        return loop.latest().closed;
    }));
}

TEST_CASE("one reply of any size reaches a peer that reads", "[net]") {
    Loopback loop{{.write_bytes_pause = 1000, .write_bytes_high = 1000, .write_bytes_max = 1000}};
    auto client = loop.open();
    const std::string reply(30 << 20, 'r');
    loop.server.send(loop.recorder.last, reply);
    CHECK(loop.read(client, reply.size()) == reply);
}

TEST_CASE("a peer with too much to read is not read from until it has caught up", "[net]") {
    Loopback loop{{.write_bytes_pause = 1000}};
    auto client = loop.open();
    const std::string reply(20 << 20, 'r');
    loop.server.send(loop.recorder.last, reply);
    loop.io.poll();
    loop.write(client, kHello);
    loop.run_for(30ms);
    CHECK(loop.latest().frames.empty());
    CHECK(loop.read(client, reply.size()).size() == reply.size());
    REQUIRE(loop.until([&] { return loop.latest().frames.size() == 1; }));
}

TEST_CASE("a stopped server takes no more, and shuts down after its last replies", "[net]") {
    Loopback loop;
    auto client = loop.open();
    loop.server.stop_taking();
    loop.write(client, kHello);
    loop.run_for(20ms);
    CHECK(loop.latest().frames.empty());
    CHECK_THROWS(loop.connect());

    loop.server.send(loop.recorder.last, framed("last words"));
    bool done = false;
    loop.server.shut_down([&] { done = true; });
    CHECK(loop.read_to_end(client) == framed("last words"));
    REQUIRE(loop.until([&] { return done; }));
    CHECK(loop.latest().closed);
    CHECK(loop.server.connection_count() == 0);
}

TEST_CASE("an address that cannot be listened on is told", "[net]") {
    Loopback loop;
    ClientServer second{loop.io, {}, loop.recorder};
    const auto taken = second.listen("127.0.0.1", loop.server.port());
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::kIo);
    CHECK(taken.error().where ==
          "cannot listen on 127.0.0.1:" + std::to_string(loop.server.port()) + ": Address already in use");
    CHECK_FALSE(second.listen("no such host.invalid", 0));
}

TEST_CASE("a server may go while its connections are open", "[net]") {
    asio::io_context io{1};
    Recorder recorder;
    asio::io_context clients;
    tcp::socket client{clients};
    {
        ClientServer server{io, {}, recorder};
        REQUIRE(server.listen("127.0.0.1", 0));
        client.connect({asio::ip::make_address("127.0.0.1"), server.port()});
        while (recorder.seen.empty()) io.run_one_for(1s);
    }
    io.restart();
    io.poll();
    char byte = 0;
    boost::system::error_code error;
    client.read_some(asio::buffer(&byte, 1), error);
    CHECK(error);
}
