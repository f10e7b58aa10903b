#include "tests/unit/net/peer_mesh.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::net;

namespace {

/// Server 1 follows server 2.
struct Pair {
    explicit Pair(const PeerLinksOptions& options = {}) : mesh(options) {
        mesh.start(1);
        mesh.start(2);
        mesh[1].dial_leader(ServerId{2});
        REQUIRE(mesh.until([&] { return !follower().opened.empty() && !leader().opened.empty(); }));
        to_leader = follower().link(true);
        to_follower = leader().link(false);
    }
    Heard& follower() { return mesh.heard[1]; }
    Heard& leader() { return mesh.heard[2]; }

    PeerMesh mesh;
    LinkId to_leader{};
    LinkId to_follower{};
};

/// A plain socket follows server 2, and reads only when it is asked to.
struct Reluctant {
    explicit Reluctant(const PeerLinksOptions& options = {}) : mesh(options), links(mesh.start(2)) {
        socket.emplace(mesh.connect(mesh.quorum_port(2)));
        REQUIRE(mesh.until([&] { return !heard().opened.empty(); }));
        link = heard().link(false);
    }
    Heard& heard() { return mesh.heard[2]; }

    PeerMesh mesh;
    PeerLinks& links;
    std::optional<tcp::socket> socket;
    LinkId link{};
};

constexpr std::size_t kMore = 32 << 20;  // than the system takes without a reader

/// Gives so many bytes in chunks, and counts what it was asked for.
struct Source {
    std::size_t left = 0;
    std::size_t given = 0;

    StreamPull pull(std::string& chunk) {
        if (left == 0) return StreamPull::kEnd;
        chunk.assign(std::min<std::size_t>(left, 100'000), static_cast<char>('a' + given / 100'000 % 26));
        left -= chunk.size();
        given += chunk.size();
        return StreamPull::kChunk;
    }
};

}  // namespace

TEST_CASE("a follower reaches its leader, and bytes go both ways", "[net][peers]") {
    Pair pair;
    CHECK(pair.follower().opened == std::vector<std::pair<LinkId, bool>>{{pair.to_leader, true}});
    CHECK(pair.leader().opened == std::vector<std::pair<LinkId, bool>>{{pair.to_follower, false}});
    pair.mesh[1].send(pair.to_leader, "I follow, ");
    pair.mesh[1].send(pair.to_leader, "you lead");
    pair.mesh[2].send(pair.to_follower, "so I do");
    REQUIRE(pair.mesh.until([&] { return pair.leader().bytes[pair.to_follower] == "I follow, you lead"; }));
    REQUIRE(pair.mesh.until([&] { return pair.follower().bytes[pair.to_leader] == "so I do"; }));
    CHECK(pair.leader().turns > 0);
}

TEST_CASE("the one who closes is not told of it", "[net][peers]") {
    Pair pair;
    pair.mesh[2].send(pair.to_follower, "last words");
    pair.mesh[2].close(pair.to_follower);
    REQUIRE(pair.mesh.until([&] { return !pair.follower().closed.empty(); }));
    CHECK(pair.follower().closed == std::vector{pair.to_leader});
    CHECK(pair.follower().bytes[pair.to_leader] == "last words");
    pair.mesh.run_for(10ms);
    CHECK(pair.leader().closed.empty());
}

TEST_CASE("a link that is gone is no error", "[net][peers]") {
    Pair pair;
    pair.mesh[2].close(pair.to_follower);
    pair.mesh[2].close(pair.to_follower);
    pair.mesh[2].send(pair.to_follower, "nobody");
    pair.mesh[2].resume_stream(pair.to_follower);
    pair.mesh[2].send_stream(
        pair.to_follower, [](std::string&) { return StreamPull::kEnd; }, [] { FAIL("nobody took it"); });
    CHECK(pair.mesh[2].queued_bytes(pair.to_follower) == 0);
    pair.mesh.run_for(10ms);
}

TEST_CASE("nothing is told of a link that was closed while its bytes came", "[net][peers]") {
    Pair pair;
    pair.leader().at_bytes = [&](LinkId link) { pair.mesh[2].close(link); };
    pair.mesh[1].send(pair.to_leader, "one");
    REQUIRE(pair.mesh.until([&] { return !pair.follower().closed.empty(); }));
    pair.mesh.run_for(10ms);
    CHECK(pair.leader().bytes[pair.to_follower] == "one");
    CHECK(pair.leader().closed.empty());
}

TEST_CASE("a leader that is not there is dialled a few times", "[net][peers]") {
    PeerMesh mesh{{.leader_retry_pause = 5ms, .leader_attempts = 5}};
    mesh.start(1).dial_leader(ServerId{2});
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(mesh.until([&] { return mesh.heard[1].unreachable == 1; }));
    CHECK(std::chrono::steady_clock::now() - began >= 4 * 5ms);
    mesh.run_for(20ms);
    CHECK(mesh.heard[1].unreachable == 1);
    CHECK(mesh.heard[1].opened.empty());
}

TEST_CASE("a leader that comes up meanwhile is reached", "[net][peers]") {
    PeerMesh mesh{{.leader_retry_pause = 20ms, .leader_attempts = 100}};
    mesh.start(1).dial_leader(ServerId{2});
    mesh.run_for(30ms);
    mesh.start(2);
    REQUIRE(mesh.until([&] { return mesh.heard[1].link(true) != LinkId::kNone; }));
    CHECK(mesh.heard[1].unreachable == 0);
}

TEST_CASE("a new attempt takes the place of the old one", "[net][peers]") {
    PeerMesh mesh{{.leader_retry_pause = 10ms, .leader_attempts = 3}};
    mesh.start(3);
    mesh.start(1).dial_leader(ServerId{2});
    mesh.run_for(GENERATE(0ms, 5ms));
    mesh[1].dial_leader(ServerId{3});
    REQUIRE(mesh.until([&] { return !mesh.heard[1].opened.empty(); }));
    mesh.run_for(50ms);
    CHECK(mesh.heard[1].opened.size() == 1);
    CHECK(mesh.heard[3].opened.size() == 1);
    CHECK(mesh.heard[1].unreachable == 0);
}

TEST_CASE("so many may come in", "[net][peers]") {
    PeerMesh mesh{{.incoming_max = 1}};  // and one for each server of three
    mesh.start(2);
    std::vector<tcp::socket> sockets;
    for (int i = 0; i < 5; ++i) sockets.push_back(mesh.connect(mesh.quorum_port(2)));
    CHECK(mesh.is_closed(sockets.back()));
    CHECK(mesh.heard[2].opened.size() == 4);
    CHECK(mesh[2].counts().incoming_dropped == 1);
    sockets.front().close();
    REQUIRE(mesh.until([&] { return mesh.heard[2].closed.size() == 1; }));
    auto next = mesh.connect(mesh.quorum_port(2));
    REQUIRE(mesh.until([&] { return mesh.heard[2].opened.size() == 5; }));
}

TEST_CASE("what a peer does not take is told, and when it has taken it", "[net][peers]") {
    Reluctant peer;
    peer.links.send(peer.link, std::string(kMore, 'x'));
    REQUIRE(peer.mesh.until([&] { return peer.heard().congested == std::vector{true}; }));
    peer.links.send(peer.link, "end");
    peer.mesh.run_for(5ms);
    CHECK(peer.heard().congested == std::vector{true});
    CHECK(peer.links.queued_bytes(peer.link) > 1 << 20);
    CHECK(peer.mesh.read(*peer.socket, kMore + 3).ends_with("xend"));
    REQUIRE(peer.mesh.until([&] { return peer.heard().congested == std::vector{true, false}; }));
    CHECK(peer.links.queued_bytes(peer.link) == 0);
}

TEST_CASE("a burst that the system takes is no congestion", "[net][peers]") {
    Pair pair{{.congested_bytes = 1000, .relieved_bytes = 100}};
    pair.mesh[2].send(pair.to_follower, std::string(10'000, 'x'));
    REQUIRE(pair.mesh.until([&] { return pair.follower().bytes[pair.to_leader].size() == 10'000; }));
    CHECK(pair.leader().congested.empty());
}

TEST_CASE("who lets too much wait is closed", "[net][peers]") {
    Reluctant peer{{.outbox_bytes_max = 1 << 20}};
    for (int i = 0; i < 3; ++i) peer.links.send(peer.link, std::string(kMore, 'x'));
    CHECK(peer.heard().closed.empty());  // not from within the call
    REQUIRE(peer.mesh.until([&] { return !peer.heard().closed.empty(); }));
    CHECK(peer.heard().closed == std::vector{peer.link});
}

TEST_CASE("what was sent can be written before the turn ends", "[net][peers]") {
    Reluctant peer;
    peer.links.send(peer.link, "now");
    CHECK(peer.links.queued_bytes(peer.link) == 3);
    peer.links.flush();
    CHECK(peer.links.queued_bytes(peer.link) == 0);
}

TEST_CASE("a stream goes behind what was sent and ahead of what is sent later", "[net][peers]") {
    Pair pair;
    Source source{.left = 20'000'000};
    bool done = false;
    pair.mesh[2].send(pair.to_follower, "before");
    pair.mesh[2].send_stream(
        pair.to_follower, [&](std::string& chunk) { return source.pull(chunk); }, [&] { done = true; });
    pair.mesh[2].send(pair.to_follower, "behind");
    const auto& received = pair.follower().bytes[pair.to_leader];
    REQUIRE(pair.mesh.until([&] { return received.size() == 20'000'012; }));
    CHECK(done);
    CHECK(received.starts_with("beforea"));
    CHECK(received.ends_with("behind"));
    Source again{.left = 20'000'000};
    std::string chunk;
    bool same = true;
    for (std::size_t at = 6; again.pull(chunk) == StreamPull::kChunk; at += chunk.size()) {
        same = same && received.compare(at, chunk.size(), chunk) == 0;
    }
    CHECK(same);
    CHECK(pair.leader().congested.empty());
}

TEST_CASE("no more of a stream is asked for than the peer takes", "[net][peers]") {
    Reluctant peer;
    Source source{.left = 10 * kMore};
    peer.links.send_stream(
        peer.link, [&](std::string& chunk) { return source.pull(chunk); }, [] {});
    std::size_t before = 1;
    REQUIRE(peer.mesh.until([&] {
        peer.mesh.run_for(20ms);
        return std::exchange(before, source.given) == source.given;
    }));
    CHECK(source.given > 0);
    CHECK(source.given < kMore);
    CHECK(peer.links.queued_bytes(peer.link) < (256 << 10) + 100'000);
    CHECK(peer.heard().congested.empty());
    (void)peer.mesh.read(*peer.socket, source.given);
    REQUIRE(peer.mesh.until([&] { return source.given > before; }));
}

TEST_CASE("a stream that has nothing yet goes on when it is told", "[net][peers]") {
    Pair pair;
    std::vector<std::string> ready;
    bool ended = false, done = false;
    int asked = 0;
    const auto pull = [&](std::string& chunk) {
        ++asked;
        if (ready.empty()) return ended ? StreamPull::kEnd : StreamPull::kLater;
        chunk = std::exchange(ready, {}).front();
        return StreamPull::kChunk;
    };
    pair.mesh[2].send_stream(pair.to_follower, pull, [&] { done = true; });
    pair.mesh[2].send(pair.to_follower, "behind");
    REQUIRE(pair.mesh.until([&] { return asked == 1; }));
    pair.mesh.run_for(10ms);
    CHECK(asked == 1);
    ready = {"chunk "};
    pair.mesh[2].resume_stream(pair.to_follower);
    REQUIRE(pair.mesh.until([&] { return pair.follower().bytes[pair.to_leader] == "chunk "; }));
    ended = true;
    pair.mesh[2].resume_stream(pair.to_follower);
    REQUIRE(pair.mesh.until([&] { return pair.follower().bytes[pair.to_leader] == "chunk behind"; }));
    CHECK(done);
}

TEST_CASE("a stream that breaks closes its link", "[net][peers]") {
    Pair pair;
    pair.mesh[2].send_stream(
        pair.to_follower, [](std::string&) { return StreamPull::kBroken; }, [] { FAIL("it was not whole"); });
    pair.mesh[2].send(pair.to_follower, "must not be taken for the stream");
    REQUIRE(pair.mesh.until([&] { return !pair.leader().closed.empty() && !pair.follower().closed.empty(); }));
    CHECK(pair.follower().bytes[pair.to_leader].empty());
}

TEST_CASE("a stream is let go when it has ended, and when its link is gone", "[net][peers]") {
    const auto how = GENERATE(as<std::string>(), "ended", "closed by us", "closed by the peer");
    CAPTURE(how);
    Pair pair;
    auto view = std::make_shared<int>(0);
    const std::weak_ptr<int> held = view;
    int done = 0;
    pair.mesh[2].send_stream(
        pair.to_follower, [view, &how](std::string&) { return how == "ended" ? StreamPull::kEnd : StreamPull::kLater; },
        [view, &done] { ++done; });
    view.reset();
    if (how == "closed by us") pair.mesh[2].close(pair.to_follower);
    if (how == "closed by the peer") pair.mesh[1].close(pair.to_leader);
    REQUIRE(pair.mesh.until([&] { return held.expired(); }));
    CHECK(done == (how == "ended" ? 1 : 0));
}

TEST_CASE("a link may be closed when its stream has ended", "[net][peers]") {
    Pair pair;
    Source source{.left = 1'000};
    pair.mesh[2].send_stream(
        pair.to_follower, [&](std::string& chunk) { return source.pull(chunk); },
        [&] { pair.mesh[2].close(pair.to_follower); });
    REQUIRE(pair.mesh.until([&] { return !pair.follower().closed.empty(); }));
    CHECK(pair.follower().bytes[pair.to_leader].size() == 1'000);
    CHECK(pair.leader().closed.empty());
}

TEST_CASE("a port in use is told", "[net][peers]") {
    PeerMesh mesh;
    auto taken = mesh.listen(mesh.quorum_port(2));
    Heard heard;
    const PeerLinksOptions options{.self = ServerId{2},
                                   .peers = {{.server = ServerId{2},
                                              .host = "127.0.0.1",
                                              .quorum_port = mesh.quorum_port(2),
                                              .election_port = mesh.election_port(2)}}};
    PeerLinks links{mesh.io, options, heard};
    const auto outcome = links.listen();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Errc::kIo);
}
