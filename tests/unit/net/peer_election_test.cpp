#include "tests/unit/net/peer_mesh.hpp"
#include "wire/election.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::net;
using Frames = std::vector<Heard::Frame>;

namespace {

std::string hello_of(std::int64_t server, const std::string& address = "127.0.0.1:1") {
    return wire::encoded_hello({.server = server, .addresses = {address}});
}

std::string address_of(const PeerMesh& mesh, int server) {
    return "127.0.0.1:" + std::to_string(mesh.election_port(server));
}

/// A link from server 3, which is not zabd, to server 2, which runs.
tcp::socket link_of_3(PeerMesh& mesh) {
    auto three = mesh.connect(mesh.election_port(2));
    const auto before = mesh.heard[2].times({3, true});
    PeerMesh::write(three, hello_of(3));
    REQUIRE(mesh.until([&] { return mesh.heard[2].times({3, true}) > before; }));
    return three;
}

}  // namespace

TEST_CASE("three servers find each other and every message arrives", "[net][peers]") {
    PeerMesh mesh;
    for (const int server : {1, 2, 3}) mesh.start(server);
    for (const int from : {1, 2, 3}) {
        for (const int to : {1, 2, 3}) {
            if (from != to) mesh[from].send_election(static_cast<ServerId>(to), "from " + std::to_string(from));
        }
    }
    for (const int to : {1, 2, 3}) {
        REQUIRE(mesh.until([&] {
            return std::ranges::all_of(std::vector{1, 2, 3}, [&](int from) {
                return from == to || std::ranges::count(mesh.heard[to].frames,
                                                        Heard::Frame{from, "from " + std::to_string(from)}) > 0;
            });
        }));
    }
    mesh.run_for(20ms);
    for (const int one : {1, 2, 3}) {
        for (const int other : {1, 2, 3}) CHECK((one == other || mesh.heard[one].is_up(other)));
    }
}

TEST_CASE("a server that dials a larger one says who it is, hangs up, and is called back", "[net][peers]") {
    PeerMesh mesh;
    auto port = mesh.listen(mesh.election_port(3));
    mesh.start(2).send_election(ServerId{3}, "vote");
    auto dialled = mesh.accept(port);
    CHECK(mesh.read_to_end(dialled) == hello_of(2, address_of(mesh, 2)));
    CHECK_FALSE(mesh.heard[2].is_up(3));

    auto three = link_of_3(mesh);
    CHECK(mesh.read_frame(three) == "vote");
    CHECK(mesh.heard[2].ups == std::vector<Heard::Up>{{3, true}});
}

TEST_CASE("a larger server that does not call back is asked again", "[net][peers]") {
    PeerMesh mesh{{.callback_timeout = 30ms}};
    auto port = mesh.listen(mesh.election_port(3));
    mesh.start(2).send_election(ServerId{3}, "vote");
    for (int i = 0; i < 3; ++i) {
        auto dialled = mesh.accept(port);
        CHECK(mesh.read_to_end(dialled) == hello_of(2, address_of(mesh, 2)));
    }
    CHECK(mesh.heard[2].times({3, false}) >= 2);
}

TEST_CASE("a smaller server that dials, and hangs up at once, is called back", "[net][peers]") {
    const auto words = GENERATE(hello_of(1), wire::encoded_hello({.server = 1, .addresses = {"a:1", "b:2"}}),
                                std::string("\0\0\0\0\0\0\0\1", 8));
    PeerMesh mesh;
    mesh.start(2);
    auto port = mesh.listen(mesh.election_port(1));
    {
        auto one = mesh.connect(mesh.election_port(2));
        PeerMesh::write(one, words);
    }
    auto called = mesh.accept(port);
    const auto expected = hello_of(2, address_of(mesh, 2));
    CHECK(mesh.read(called, expected.size()) == expected);
    REQUIRE(mesh.until([&] { return mesh.heard[2].is_up(1); }));

    PeerMesh::write(called, framed("from one"));
    REQUIRE(mesh.until([&] { return mesh.heard[2].frames == Frames{{1, "from one"}}; }));
    mesh[2].send_election(ServerId{1}, "from two");
    CHECK(mesh.read_frame(called) == "from two");
}

TEST_CASE("a hello may come byte by byte, and messages right behind it", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto three = mesh.connect(mesh.election_port(2));
    const auto words = hello_of(3) + framed("one") + framed("two");
    const auto piece = GENERATE(std::size_t{1}, std::size_t{1000});
    for (std::size_t at = 0; at < words.size(); at += piece) {
        PeerMesh::write(three, words.substr(at, piece));
        mesh.run_for(1ms);
    }
    REQUIRE(mesh.until([&] { return mesh.heard[2].frames.size() == 2; }));
    CHECK(mesh.heard[2].frames == Frames{{3, "one"}, {3, "two"}});
}

TEST_CASE("a newer message takes the place of one that was not sent", "[net][peers]") {
    PeerMesh mesh;
    auto port = mesh.listen(mesh.election_port(1));
    mesh.start(2);
    for (const auto* vote : {"old", "newer", "newest"}) mesh[2].send_election(ServerId{1}, vote);
    auto called = mesh.accept(port);
    (void)mesh.read(called, hello_of(2, address_of(mesh, 2)).size());
    CHECK(mesh.read_frame(called) == "newest");
}

TEST_CASE("what was said on an old connection is not said again on a new one: it may not be true any more",
          "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto first = link_of_3(mesh);
    mesh[2].send_election(ServerId{3}, "one");
    CHECK(mesh.read_frame(first) == "one");
    mesh[2].send_election(ServerId{3}, "two");
    CHECK(mesh.read_frame(first) == "two");
    first.close();
    REQUIRE(mesh.until([&] { return !mesh.heard[2].is_up(3); }));
    auto second = link_of_3(mesh);
    mesh[2].send_election(ServerId{3}, "three");
    CHECK(mesh.read_frame(second) == "three");
}

TEST_CASE("a message that waits is what a new connection begins with", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto first = link_of_3(mesh);
    mesh[2].send_election(ServerId{3}, "one");
    CHECK(mesh.read_frame(first) == "one");
    first.close();
    REQUIRE(mesh.until([&] { return !mesh.heard[2].is_up(3); }));
    mesh[2].send_election(ServerId{3}, "two");
    auto second = link_of_3(mesh);
    CHECK(mesh.read_frame(second) == "two");
}

TEST_CASE("a new connection of a larger server takes the place of the old one", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto first = link_of_3(mesh);
    auto second = link_of_3(mesh);
    CHECK(mesh.is_closed(first));
    PeerMesh::write(second, framed("here"));
    REQUIRE(mesh.until([&] { return mesh.heard[2].frames == Frames{{3, "here"}}; }));
    CHECK(mesh.heard[2].times({3, false}) == 0);
}

TEST_CASE("a smaller server that asks for another connection gets it", "[net][peers]") {
    PeerMesh mesh{{.callback_timeout = 10ms}};
    mesh.start(2);
    auto port = mesh.listen(mesh.election_port(1));
    mesh[2].send_election(ServerId{1}, "vote");
    auto first = mesh.accept(port);
    REQUIRE(mesh.until([&] { return mesh.heard[2].is_up(1); }));
    mesh.run_for(20ms);
    {
        auto one = mesh.connect(mesh.election_port(2));
        PeerMesh::write(one, hello_of(1));
    }
    auto second = mesh.accept(port);
    (void)mesh.read(second, hello_of(2, address_of(mesh, 2)).size());
    CHECK(mesh.is_closed(first));
    mesh[2].send_election(ServerId{1}, "another vote");  // what went before it is not said again
    CHECK(mesh.read_frame(second) == "another vote");
}

TEST_CASE("a connection that has just been made is not given up for one that was asked for meanwhile", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto port = mesh.listen(mesh.election_port(1));
    mesh[2].send_election(ServerId{1}, "vote");
    auto first = mesh.accept(port);
    REQUIRE(mesh.until([&] { return mesh.heard[2].is_up(1); }));
    {
        auto one = mesh.connect(mesh.election_port(2));
        PeerMesh::write(one, hello_of(1));
    }
    mesh.run_for(30ms);
    PeerMesh::write(first, framed("still here"));
    REQUIRE(mesh.until([&] { return mesh.heard[2].frames == Frames{{1, "still here"}}; }));
    CHECK(mesh.heard[2].times({1, true}) == 1);
}

TEST_CASE("a refused attempt is told, and made again until somebody is there", "[net][peers]") {
    PeerMesh mesh{{.redial_min = 5ms, .redial_max = 20ms}};
    mesh.start(2).send_election(ServerId{1}, "vote");
    REQUIRE(mesh.until([&] { return mesh.heard[2].times({1, false}) >= 3; }));
    auto port = mesh.listen(mesh.election_port(1));
    auto called = mesh.accept(port);
    (void)mesh.read(called, hello_of(2, address_of(mesh, 2)).size());
    CHECK(mesh.read_frame(called) == "vote");
    CHECK(mesh.heard[2].is_up(1));
}

TEST_CASE("attempts become rarer", "[net][peers]") {
    PeerMesh mesh{{.redial_min = 20ms, .redial_max = 10s}};
    mesh.start(2).send_election(ServerId{1}, "vote");
    mesh.run_for(200ms);  // at 0, 20, 60, 140
    CHECK(mesh.heard[2].times({1, false}) >= 2);
    CHECK(mesh.heard[2].times({1, false}) <= 4);
}

TEST_CASE("a connection that broke is made again only when there is something to say", "[net][peers]") {
    PeerMesh mesh{{.redial_min = 5ms}};
    auto port = mesh.listen(mesh.election_port(1));
    mesh.start(2).send_election(ServerId{1}, "one");
    auto first = mesh.accept(port);
    REQUIRE(mesh.until([&] { return mesh.heard[2].is_up(1); }));
    (void)mesh.read(first, hello_of(2, address_of(mesh, 2)).size());
    CHECK(mesh.read_frame(first) == "one");
    first.close();
    REQUIRE(mesh.until([&] { return mesh.heard[2].times({1, false}) == 1; }));
    mesh.run_for(30ms);
    CHECK(mesh.heard[2].times({1, true}) == 1);
    mesh[2].send_election(ServerId{1}, "two");
    REQUIRE(mesh.until([&] { return mesh.heard[2].times({1, true}) == 2; }));
}

TEST_CASE("all are dialled without a message when asked", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(1);
    mesh.start(3).connect_all();
    mesh.start(2);
    REQUIRE(mesh.until([&] { return mesh.heard[3].is_up(1) && mesh.heard[3].is_up(2); }));
    REQUIRE(mesh.until([&] { return mesh.heard[1].is_up(3) && mesh.heard[2].is_up(3); }));
}

TEST_CASE("who says nothing proper is hung up on, and counted", "[net][peers]") {
    struct Case {
        const char* name;
        std::string words;
        std::uint64_t malformed, strangers, ours;
    };
    const auto c = GENERATE(values<Case>({
        {"another version", std::string("\xff\xff\xff\xff\xff\xff\xff\xfe", 8), 1, 0, 0},
        {"not in the configuration", hello_of(4), 0, 1, 0},
        {"far from the configuration", hello_of(0x7fffffffffffffff), 0, 1, 0},
        {"the same in its lowest byte only", hello_of(0x103), 0, 1, 0},
        {"our own id", hello_of(2), 0, 0, 1},
    }));
    CAPTURE(c.name);
    PeerMesh mesh;
    mesh.start(2);
    for (std::uint64_t i = 1; i <= 2; ++i) {
        auto somebody = mesh.connect(mesh.election_port(2));
        PeerMesh::write(somebody, c.words);
        CHECK(mesh.is_closed(somebody));
        const auto counts = mesh[2].counts();
        CHECK(counts.hellos_malformed == i * c.malformed);
        CHECK(counts.hellos_of_strangers == i * c.strangers);
        CHECK(counts.hellos_with_our_id == i * c.ours);
    }
    CHECK(mesh.heard[2].warnings.size() == 1);
    CHECK(mesh.heard[2].ups.empty());
}

TEST_CASE("a frame of no length, or over the limit, ends the connection", "[net][peers]") {
    const auto bytes = GENERATE(framed(""), framed(std::string(101, 'x')), std::string("\xff\xff\xff\xff", 4));
    PeerMesh mesh{{.frame_bytes_max = 100}};
    mesh.start(2);
    auto three = link_of_3(mesh);
    PeerMesh::write(three, framed(std::string(100, 'x')) + bytes + framed("never heard"));
    CHECK(mesh.is_closed(three));
    REQUIRE(mesh.until([&] { return !mesh.heard[2].is_up(3); }));
    CHECK(mesh.heard[2].frames == Frames{{3, std::string(100, 'x')}});
}

TEST_CASE("who does not say who he is has only some time", "[net][peers]") {
    PeerMesh mesh{{.hello_timeout = 20ms}};
    mesh.start(2);
    auto silent = mesh.connect(mesh.election_port(2));
    auto slow = mesh.connect(mesh.election_port(2));
    PeerMesh::write(slow, hello_of(3).substr(0, 12));
    CHECK(mesh.is_closed(silent));
    CHECK(mesh.is_closed(slow));
    CHECK(mesh[2].counts().incoming_dropped == 2);
    CHECK(mesh.heard[2].ups.empty());
}

TEST_CASE("of many who do not say who they are the oldest makes room", "[net][peers]") {
    PeerMesh mesh{{.incoming_max = 2}};
    mesh.start(2);
    auto oldest = mesh.connect(mesh.election_port(2));
    auto second = mesh.connect(mesh.election_port(2));
    auto third = mesh.connect(mesh.election_port(2));
    CHECK(mesh.is_closed(oldest));
    CHECK(mesh[2].counts().incoming_dropped == 1);
    PeerMesh::write(second, hello_of(3));
    REQUIRE(mesh.until([&] { return mesh.heard[2].is_up(3); }));
}

TEST_CASE("a server that stops is noticed at once", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(1);
    mesh.start(2).send_election(ServerId{1}, "vote");
    REQUIRE(mesh.until([&] { return mesh.heard[1].is_up(2) && mesh.heard[2].is_up(1); }));
    mesh.stop(1);
    REQUIRE(mesh.until([&] { return !mesh.heard[2].is_up(1); }));
    mesh.start(1);
    mesh[2].send_election(ServerId{1}, "again");
    REQUIRE(mesh.until([&] { return mesh.heard[1].frames.back() == Heard::Frame{2, "again"}; }));
}

TEST_CASE("a message that the peer does not take waits, and the newest goes next", "[net][peers]") {
    PeerMesh mesh;
    mesh.start(2);
    auto three = link_of_3(mesh);
    const std::string large(500'000, 'x');
    int sent = 0;
    while (sent < 100) {  // more than the system takes without a reader
        mesh[2].send_election(ServerId{3}, large + std::to_string(sent++));
        mesh.run_for(1ms);
    }
    std::string frame;
    int received = 0;
    while (frame != large + std::to_string(sent - 1)) {
        frame = mesh.read_frame(three);
        ++received;
    }
    CHECK(received < sent);
}
