#include "net/peer_dial.hpp"

#include "tests/unit/net/peer_mesh.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::net;

namespace {

struct Dial {
    Dial(PeerMesh& mesh, const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout = 5s,
         KnownAddresses known_addresses = {})
        : known(std::move(known_addresses)),
          dial(std::make_unique<PeerDial>(mesh.io, known, host, port, timeout, [this](const DialOutcome& done) {
              outcome = done;
              dial.reset();  // allowed
          })) {}
    ~Dial() {
        if (outcome && outcome->socket.descriptor >= 0) ::close(outcome->socket.descriptor);
    }

    KnownAddresses known;
    std::optional<DialOutcome> outcome;
    std::unique_ptr<PeerDial> dial;
};

}  // namespace

TEST_CASE("a server is reached by its address and by its name", "[net][peers]") {
    const auto host = GENERATE(as<std::string>(), "127.0.0.1", "localhost");
    CAPTURE(host);
    PeerMesh mesh;
    const auto port = free_port();
    auto acceptor = mesh.listen(port);
    Dial dial(mesh, host, port);
    CHECK_FALSE(dial.outcome);  // not from within the call
    auto accepted = mesh.accept(acceptor);
    REQUIRE(mesh.until([&] { return dial.outcome.has_value(); }));
    CHECK(dial.outcome->socket.descriptor >= 0);
    CHECK(dial.outcome->socket.address == "127.0.0.1");
    CHECK(dial.outcome->socket.port == port);
}

TEST_CASE("what a name means is looked up anew, and remembered", "[net][peers]") {
    PeerMesh mesh;
    const auto port = free_port();
    auto acceptor = mesh.listen(port);
    Dial dial(mesh, "localhost", port, 5s, {{"localhost", {"127.0.0.9"}}});
    auto accepted = mesh.accept(acceptor);
    CHECK(std::ranges::count(dial.known["localhost"], "127.0.0.1") > 0);
    CHECK(std::ranges::count(dial.known["localhost"], "127.0.0.9") == 0);
}

TEST_CASE("a name that cannot be resolved means what it meant before, if anything", "[net][peers]") {
    const std::string name(70, 'x');  // too long for a name server to be asked
    PeerMesh mesh;
    const auto port = free_port();
    auto acceptor = mesh.listen(port);
    Dial without(mesh, name, port);
    REQUIRE(mesh.until([&] { return without.outcome.has_value(); }));
    CHECK(without.outcome->socket.descriptor < 0);
    CHECK_FALSE(without.outcome->refused);
    Dial dial(mesh, name, port, 5s, {{name, {"127.0.0.9", "127.0.0.1"}}});
    auto accepted = mesh.accept(acceptor);
    REQUIRE(mesh.until([&] { return dial.outcome.has_value(); }));
    CHECK(dial.outcome->socket.descriptor >= 0);
}

TEST_CASE("a port where nobody listens refuses", "[net][peers]") {
    PeerMesh mesh;
    Dial dial(mesh, "127.0.0.1", free_port());
    REQUIRE(mesh.until([&] { return dial.outcome.has_value(); }));
    CHECK(dial.outcome->socket.descriptor < 0);
    CHECK(dial.outcome->refused);
}

TEST_CASE("an attempt that is given up is not heard of", "[net][peers]") {
    PeerMesh mesh;
    const auto port = free_port();
    auto acceptor = mesh.listen(port);
    for (const auto* host : {"127.0.0.1", "localhost"}) {
        Dial dial(mesh, host, port);
        mesh.run_for(GENERATE(0ms, 1ms));
        if (dial.outcome) continue;
        dial.dial.reset();
        mesh.run_for(20ms);
        CHECK_FALSE(dial.outcome);
    }
}

TEST_CASE("a server that does not answer costs the timeout and no more", "[net][peers]") {
    PeerMesh mesh;
    const auto port = free_port();
    asio::io_context others;
    tcp::acceptor acceptor{others, tcp::v4()};
    acceptor.bind({asio::ip::make_address("127.0.0.1"), port});
    acceptor.listen(0);  // what comes beyond the first one is not answered
    std::vector<std::unique_ptr<Dial>> dials;
    for (int i = 0; i < 4; ++i) dials.push_back(std::make_unique<Dial>(mesh, "127.0.0.1", port, 100ms));
    const auto& last = dials.back()->outcome;
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(mesh.until([&] { return last.has_value(); }));
    CHECK(last->socket.descriptor < 0);
    CHECK_FALSE(last->refused);
    CHECK(std::chrono::steady_clock::now() - began >= 90ms);
}
