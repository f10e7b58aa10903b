#include "tests/bench/session.hpp"

#include "tests/bench/failure.hpp"
#include "wire/connect.hpp"

#include <poll.h>

#include <algorithm>

namespace zabd::bench {
namespace {

constexpr std::size_t kSessionsPerSource = 10000;  // below the ports that the kernel gives out per address
constexpr std::size_t kHandshakesAtOnce = 64;
constexpr int kHandshakeMs = 30000;

}  // namespace

void append_handshake(std::string& out, std::chrono::milliseconds timeout) {
    const wire::Password password{};
    wire::ConnectRequest request;
    request.timeout_ms = static_cast<std::int32_t>(timeout.count());
    request.password = std::string_view(password.data(), password.size());
    request.read_only = false;
    std::string frame;
    wire::Encoder frame_encoder(frame);
    wire::encode(frame_encoder, request);
    wire::Encoder(out).put_counted(frame);
}

Session::Session(const Options& options) : stream_(connect_to(options.server, options.source)) {
    append_handshake(stream_.out(), options.timeout);
    if (!stream_.flush()) throw Failure("a handshake does not fit into a socket");
}

void Session::await_connected() {
    char buffer[256];  // no reply can follow before a request does
    for (;;) {
        pollfd readable{.fd = fd(), .events = POLLIN, .revents = 0};
        if (::poll(&readable, 1, kHandshakeMs) == 0) throw Failure("no answer to a handshake");
        const auto bytes = stream_.read_some(buffer);
        if (!bytes) throw Failure("the server closed a connection instead of answering the handshake");
        splitter_.feed(*bytes);
        const auto frame = splitter_.next();
        if (!frame) continue;
        const auto reply = wire::decode_connect_reply(*frame);
        if (!reply || reply->session == SessionId::kNone) throw Failure("the server refused a session");
        if (splitter_.next()) throw Failure("more than a handshake was answered");
        return;
    }
}

Asked Session::answered(const wire::ReplyHeader& header, bool malformed) {
    if (malformed || asked_.empty() || asked_.front().xid != header.xid)
        throw Failure("a reply has xid " + std::to_string(header.xid) + ", which is not what was asked first");
    const auto asked = asked_.front();
    asked_.pop_front();
    return asked;
}

std::vector<Session> open_sessions(std::size_t count, const Addresses& servers) {
    std::vector<Session> sessions;
    sessions.reserve(count);
    while (sessions.size() < count) {
        const auto first = sessions.size();
        const auto end = std::min(count, first + kHandshakesAtOnce);
        while (sessions.size() < end)
            sessions.emplace_back(Session::Options{.server = servers[sessions.size() % servers.size()],
                                                   .source = source_address(sessions.size() / kSessionsPerSource)});
        for (auto i = first; i < end; ++i) sessions[i].await_connected();
    }
    return sessions;
}

}  // namespace zabd::bench
