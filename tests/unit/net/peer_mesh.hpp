// PeerLinks of several servers on loopback, and plain sockets that play a server of another make, in the test's own
// thread.
#pragma once

#include "net/peer_links.hpp"
#include "tests/unit/net/loopback.hpp"
#include "wire/jute.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::net {

/// Below the range from which the system takes ports for those who dial, so that nobody happens to get one meanwhile.
inline std::uint16_t free_port() {
    static int next = ::getpid() * 61 % 12'000;
    asio::io_context io;
    for (;;) {
        const auto port = static_cast<std::uint16_t>(20'000 + next++ % 12'000);
        tcp::acceptor acceptor{io, tcp::v4()};
        boost::system::error_code error;
        acceptor.bind({asio::ip::make_address("127.0.0.1"), port}, error);
        if (!error) return port;
    }
}

/// Keeps what one server is told.
class Heard final : public PeerEvents {
public:
    using Frame = std::pair<int, std::string>;  // from, payload
    using Up = std::pair<int, bool>;

    void on_election_frame(ServerId from, std::string_view payload) override {
        frames.emplace_back(static_cast<int>(from), payload);
    }
    void on_election_link(ServerId peer, bool is_up) override { ups.emplace_back(static_cast<int>(peer), is_up); }
    void on_peer_opened(LinkId link, bool dialled) override {
        REQUIRE_FALSE(bytes.contains(link));
        bytes[link];
        opened.emplace_back(link, dialled);
    }
    void on_peer_unreachable() override { ++unreachable; }
    void on_peer_bytes(LinkId link, std::string_view some) override {
        REQUIRE(std::ranges::count(closed, link) == 0);
        bytes.at(link).append(some);
        if (at_bytes) at_bytes(link);
    }
    void on_peer_closed(LinkId link) override { closed.push_back(link); }
    void on_peer_congested(LinkId, bool is_congested) override { congested.push_back(is_congested); }
    void on_peer_warning(std::string_view text) override { warnings.emplace_back(text); }
    void on_turn_end() override { ++turns; }

    [[nodiscard]] bool is_up(int peer) const {
        const auto last = std::find_if(ups.rbegin(), ups.rend(), [&](const Up& up) { return up.first == peer; });
        return last != ups.rend() && last->second;
    }
    [[nodiscard]] std::size_t times(const Up& up) const {
        return static_cast<std::size_t>(std::ranges::count(ups, up));
    }
    [[nodiscard]] LinkId link(bool dialled) const {
        const auto found = std::ranges::find(opened, dialled, &std::pair<LinkId, bool>::second);
        return found == opened.end() ? LinkId::kNone : found->first;
    }

    std::vector<Frame> frames;
    std::vector<Up> ups;
    std::vector<std::pair<LinkId, bool>> opened;
    std::map<LinkId, std::string> bytes;
    std::vector<LinkId> closed;
    std::vector<bool> congested;
    std::vector<std::string> warnings;
    int unreachable = 0;
    int turns = 0;
    std::function<void(LinkId)> at_bytes;
};

/// Servers 1, 2 and 3 are configured; those that are started run. The others' ports are for the test.
class PeerMesh {
public:
    explicit PeerMesh(const PeerLinksOptions& mesh_options = {}) : options_(mesh_options) {
        for (int server = 1; server <= 3; ++server) {
            options_.peers.push_back({.server = static_cast<ServerId>(server),
                                      .host = "127.0.0.1",
                                      .quorum_port = free_port(),
                                      .election_port = free_port()});
        }
    }

    PeerLinks& start(int server) {
        options_.self = static_cast<ServerId>(server);
        links_[server] = std::make_unique<PeerLinks>(io, options_, heard[server]);
        REQUIRE(links_[server]->listen());
        return *links_[server];
    }
    void stop(int server) { links_.erase(server); }
    PeerLinks& operator[](int server) { return *links_.at(server); }

    [[nodiscard]] std::uint16_t election_port(int server) const { return address(server).election_port; }
    [[nodiscard]] std::uint16_t quorum_port(int server) const { return address(server).quorum_port; }

    /// Runs the loop until `holds`, for at most ten seconds.
    [[nodiscard]] bool until(const std::function<bool()>& holds) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            io.restart();
            io.run_one_for(20ms);
        }
        return true;
    }
    void run_for(std::chrono::milliseconds time) {
        io.restart();
        io.run_for(time);
    }

    // --- plain sockets ---

    tcp::acceptor listen(std::uint16_t port) {
        tcp::acceptor acceptor{others_, {asio::ip::make_address("127.0.0.1"), port}};
        acceptor.non_blocking(true);
        return acceptor;
    }
    tcp::socket accept(tcp::acceptor& acceptor) {
        tcp::socket socket{others_};
        REQUIRE(until([&] {
            boost::system::error_code error;
            acceptor.accept(socket, error);
            return !error;
        }));
        socket.non_blocking(true);
        return socket;
    }
    tcp::socket connect(std::uint16_t port) {
        tcp::socket socket{others_};
        socket.connect({asio::ip::make_address("127.0.0.1"), port});
        socket.set_option(tcp::no_delay(true));
        socket.non_blocking(true);
        return socket;
    }
    static void write(tcp::socket& socket, std::string_view bytes) {
        socket.non_blocking(false);
        asio::write(socket, asio::buffer(bytes.data(), bytes.size()));
        socket.non_blocking(true);
    }
    std::string read(tcp::socket& socket, std::size_t bytes) {
        std::string received;
        REQUIRE(until([&] {
            std::string more(bytes - received.size(), '\0');
            boost::system::error_code error;
            const auto size = socket.read_some(asio::buffer(more), error);
            received.append(more, 0, size);
            return received.size() == bytes || (error && error != asio::error::would_block);
        }));
        return received;
    }
    /// What comes until the other side closes.
    std::string read_to_end(tcp::socket& socket) {
        std::string received;
        REQUIRE(until([&] { return !Loopback::read_some(socket, received); }));
        return received;
    }
    std::string read_frame(tcp::socket& socket) {
        wire::Decoder prefix(prefix_ = read(socket, 4));
        return read(socket, static_cast<std::size_t>(prefix.get_int()));
    }
    [[nodiscard]] bool is_closed(tcp::socket& socket) {
        std::string ignored;
        return until([&] { return !Loopback::read_some(socket, ignored); });
    }

    asio::io_context io{1};
    std::map<int, Heard> heard;

private:
    [[nodiscard]] const PeerAddress& address(int server) const {
        return options_.peers.at(static_cast<std::size_t>(server - 1));
    }

    PeerLinksOptions options_;
    asio::io_context others_;
    std::map<int, std::unique_ptr<PeerLinks>> links_;
    std::string prefix_;
};

}  // namespace zabd::net
