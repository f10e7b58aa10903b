// A ClientServer on loopback, and plain sockets that talk to it, in the test's own thread.
#pragma once

#include "net/connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <poll.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

inline std::string framed(std::string_view body) {
    const auto size = static_cast<std::uint32_t>(body.size());
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(size >> shift));
    return frame.append(body);
}

/// Keeps what it is told; answers frames and words as the test wants.
class Recorder final : public ConnectionEvents {
public:
    struct Seen {
        std::string address;
        std::uint16_t port = 0;
        std::vector<std::string> frames;
        std::vector<std::string> words;  // "stmk" + argument
        bool closed = false;
    };

    void on_open(ConnectionId id, std::string_view address, std::uint16_t port) override {
        REQUIRE_FALSE(seen.contains(id));
        seen[id] = {.address = std::string(address), .port = port, .frames = {}, .words = {}, .closed = false};
        last = id;
    }
    void on_frame(ConnectionId id, std::string_view frame) override {
        REQUIRE_FALSE(seen.at(id).closed);
        seen.at(id).frames.emplace_back(frame);
        if (answer_frame) answer_frame(id, frame);
    }
    void on_word(ConnectionId id, Word word, std::string_view argument) override {
        seen.at(id).words.push_back(std::string(word) + std::string(argument));
        if (answer_word) answer_word(id, word);
    }
    void on_closed(ConnectionId id) override {
        REQUIRE_FALSE(seen.at(id).closed);
        seen.at(id).closed = true;
    }
    [[nodiscard]] std::optional<std::size_t> word_argument_bytes(Word word) const override {
        if (word == "ruok") return 0;
        if (word == "stmk") return 8;
        return std::nullopt;
    }
    void on_turn_end() override {
        ++turns;
        if (at_turn_end) at_turn_end();
    }

    std::map<ConnectionId, Seen> seen;
    ConnectionId last = ConnectionId::kNone;
    int turns = 0;
    std::function<void(ConnectionId, std::string_view)> answer_frame;
    std::function<void(ConnectionId, Word)> answer_word;
    std::function<void()> at_turn_end;
};

class Loopback {
public:
    explicit Loopback(const ServerOptions& options = {}) : server(io, options, recorder) {
        REQUIRE(server.listen("127.0.0.1", 0));
        port = server.port();
    }

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

    tcp::socket connect() {
        tcp::socket client{clients};
        client.connect({asio::ip::make_address("127.0.0.1"), port});
        client.set_option(tcp::no_delay(true));
        client.non_blocking(true);
        return client;
    }
    /// Connects, and waits until the server has seen it.
    tcp::socket open() {
        const auto before = recorder.seen.size();
        auto client = connect();
        REQUIRE(until([&] { return recorder.seen.size() > before; }));
        return client;
    }
    void write(tcp::socket& client, std::string_view bytes) {
        client.non_blocking(false);
        asio::write(client, asio::buffer(bytes.data(), bytes.size()));
        client.non_blocking(true);
    }
    /// Whatever has come, appended to `received`. False: the server has closed.
    static bool read_some(tcp::socket& client, std::string& received) {
        std::vector<char> buffer(1 << 20);
        boost::system::error_code error;
        const auto size = client.read_some(asio::buffer(buffer), error);
        received.append(buffer.data(), size);
        return !error || error == asio::error::would_block;
    }
    /// All that comes until the server closes.
    std::string read_to_end(tcp::socket& client) {
        std::string received;
        REQUIRE(until([&] { return !read_some(client, received); }));
        return received;
    }
    std::string read(tcp::socket& client, std::size_t bytes) {
        std::string received;
        REQUIRE(until([&] { return !read_some(client, received) || received.size() >= bytes; }));
        return received;
    }
    Recorder::Seen& latest() { return recorder.seen.at(recorder.last); }

    asio::io_context io{1};
    asio::io_context clients;
    Recorder recorder;
    ClientServer server;
    std::uint16_t port = 0;
};

}  // namespace zabd::net
