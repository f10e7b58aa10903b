// One session of the client protocol: the handshake, then requests and replies that are matched in order.
#pragma once

#include "tests/bench/measurement.hpp"
#include "tests/bench/socket.hpp"
#include "wire/frame.hpp"
#include "wire/ids.hpp"
#include "wire/requests.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zabd::bench {

inline constexpr std::size_t kReplyBytesMax = 64 << 20;
inline constexpr std::size_t kReadBytes = 256 << 10;
inline constexpr std::chrono::milliseconds kSessionTimeout{40000};  // nobody sends pings, and no run is that silent

/// The first frame of a connection, for a new session.
void append_handshake(std::string& out, std::chrono::milliseconds timeout);

/// A request's frame. `Request` is one of wire's records.
template <class Request>
void append_request(std::string& out, Xid xid, wire::OpCode op, const Request& request) {
    const auto start = out.size();
    wire::Encoder encoder(out);
    encoder.put_int(0);  // the length, known when the rest is there
    wire::encode(encoder, wire::RequestHeader{.xid = xid, .op = op});
    wire::encode(encoder, request);
    const auto bytes = static_cast<std::uint32_t>(out.size() - start - wire::kFramePrefixBytes);
    for (std::size_t i = 0; i < wire::kFramePrefixBytes; ++i)
        out[start + i] = static_cast<char>(bytes >> (8 * (wire::kFramePrefixBytes - 1 - i)));
}

/// The header of an operation that has nothing behind it: closeSession, ping.
struct NoRecord {
    static void fields(auto&, auto&& visit) { visit(); }
};

/// What was asked of a session and is answered in that order.
struct Asked {
    Xid xid = 0;
    Clock::time_point due;  // latency counts from here
};

class Session {
public:
    struct Options {
        sockaddr_in server{};
        std::optional<sockaddr_in> source;
        std::chrono::milliseconds timeout = kSessionTimeout;
    };

    /// Connects and sends the handshake. await_connected() must follow before anything else.
    explicit Session(const Options& options);
    /// Blocks until the handshake is answered. Throws Failure if the session is refused.
    void await_connected();

    /// Makes a request with the next xid: `write(out, xid)` appends its frame, or answers false to make none. Nothing
    /// leaves before flush().
    template <class Write>
    bool ask(Clock::time_point due, Write&& write) {
        if (!write(stream_.out(), xid_next_)) return false;
        asked_.push_back({.xid = xid_next_++, .due = due});
        return true;
    }
    bool flush() { return stream_.flush(); }

    /// Reads once and gives every whole frame to see(header, record behind it, Asked of a reply or nullptr of an
    /// event). False when the server has closed the connection. Throws Failure for a reply that nobody asked for.
    template <class See>
    bool receive(std::span<char> buffer, See&& see) {
        const auto bytes = stream_.read_some(buffer);
        if (!bytes) return false;
        splitter_.feed(*bytes);
        while (const auto frame = splitter_.next()) {
            wire::Decoder in(*frame);
            wire::ReplyHeader header;
            wire::decode(in, header);
            if (header.xid == wire::kXidWatchEvent) {
                see(header, in.rest(), static_cast<const Asked*>(nullptr));
                continue;
            }
            const auto asked = answered(header, in.failed());
            see(header, in.rest(), &asked);
        }
        return true;
    }

    [[nodiscard]] std::size_t in_flight() const { return asked_.size(); }
    [[nodiscard]] int fd() const { return stream_.fd(); }

private:
    Asked answered(const wire::ReplyHeader& header, bool malformed);

    Stream stream_;
    wire::FrameSplitter splitter_{kReplyBytesMax};
    std::deque<Asked> asked_;
    Xid xid_next_ = 1;
};

/// `count` sessions, to each server in turn, from as many source addresses as that takes. Handshakes overlap.
std::vector<Session> open_sessions(std::size_t count, const Addresses& servers);

}  // namespace zabd::bench
