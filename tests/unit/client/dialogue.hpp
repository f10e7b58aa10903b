// The client's protocol, opposite a server that the test plays by hand. No sockets, no clock.
//
//     Dialogue talk;
//     talk.connect();
//     const auto outcome = talk.ask(talk.make.get("/a", {}));
//     const auto asked = talk.hear();                     // what has reached the server
//     talk.answer(asked[0].xid, wire::ErrorCode::kNoNode);
//     CHECK(outcome->error == client::Errc::kNoNode);
#pragma once

#include "client/error.hpp"
#include "client/protocol.hpp"
#include "client/request_maker.hpp"
#include "wire/connect.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace zabd::client::tests {

using namespace std::chrono_literals;

/// What a call came to.
struct Outcome {
    int times = 0;
    std::error_code error{};
    std::string body{};
    [[nodiscard]] bool waits() const { return times == 0; }
};
/// Completed once, with this; Errc{} is success.
bool operator==(const Outcome& outcome, Errc error);

using Outcomes = std::shared_ptr<Outcome>;

/// A request as the server reads it; `op` of a ping is kPing.
struct Asked {
    Xid xid = 0;
    wire::OpCode op{};
    std::string body{};
};

class Listener final : public EventSink {
public:
    void take(const Event& event) override;
    /// "deleted /a", "state lost", ... that have come since the last time.
    std::vector<std::string> heard();

    std::function<void()> on_take = [] {};

private:
    std::vector<std::string> events_;
};

class Dialogue {
public:
    explicit Dialogue(const Options& options = {}, std::string below = {});

    /// Opens a connection and answers the greeting.
    void connect(SessionId session = kSession, Millis timeout = kTimeout);
    /// A connection whose greeting has arrived, and waits for the server's. The view is good until the next one.
    wire::ConnectRequest open();
    void greet(const wire::ConnectReply& reply);
    void disconnect() { protocol.disconnected(now); }

    Outcomes ask(Request request);
    std::unique_ptr<Call> call(const Outcomes& outcome);
    /// Requests arrive: all that is there to be sent, or so many bytes of it; those that are whole are given.
    std::vector<Asked> hear(std::size_t bytes_max = std::string::npos);
    void answer(Xid xid, wire::ErrorCode error = wire::ErrorCode::kOk, std::string_view body = {}, Zxid zxid = Zxid(1));
    /// Hears, and answers everything with success and no body.
    void answer_all();
    void event(wire::EventType type, std::string_view path, Zxid zxid = kZxidUnknown);
    void send(std::string_view bytes) { protocol.receive(bytes, now); }
    void pass(Millis time);

    static constexpr SessionId kSession{0x51};
    static constexpr Millis kTimeout{9'000};

    Instant now{1h};
    std::string chroot;  // `make` refers to it
    RequestMaker make;
    Protocol protocol;
    Protocol::Number last = 0;  // of the latest ask()

private:
    std::string greeting_;
    std::string arrived_;
};

/// Greetings of servers.
wire::ConnectReply granted(SessionId session = Dialogue::kSession, bool read_only = false);
wire::ConnectReply refused();

std::string framed(std::string_view frame);
/// A reply's frame, with its length in front.
std::string reply_bytes(Xid xid, wire::ErrorCode error = wire::ErrorCode::kOk, std::string_view body = {},
                        Zxid zxid = Zxid(1));
std::vector<wire::OpCode> ops_of(const std::vector<Asked>& asked);

}  // namespace zabd::client::tests
