// A client's way to its server: one connection after the other, each two byte streams that delay, stop, or go silent.
//
// Contract  of a stream, as TCP gives it: bytes arrive in order and once, cut into pieces anywhere, until it ends.
// Faults    delay (bytes come late), clog (for a while nothing comes), half-open (nothing comes any more, in one
//           direction or both, and neither end is told), reset (both ends are told, in the midst of a frame).
#pragma once

#include "tests/sim/checkers/checker.hpp"
#include "tests/sim/server.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace zabd::sim {

/// The client's end.
class LinkEnd {
public:
    virtual ~LinkEnd() = default;
    virtual void on_connected() = 0;
    virtual void on_refused() = 0;
    virtual void on_bytes(std::string_view bytes) = 0;
    /// The connection is over, as far as this end knows.
    virtual void on_disconnected() = 0;
};

class Link {
public:
    Link(Stage& stage, ClientId client) : stage_(stage), client_(client) {}
    void attach(LinkEnd& end) { end_ = &end; }

    // --- the client's end ---
    /// Answered by on_connected() or on_refused().
    void connect(Server& server);
    void send(std::string_view bytes);
    void close();

    // --- the server's end ---
    [[nodiscard]] ConnectionId connection() const { return connection_; }
    [[nodiscard]] bool leads_to(const Server& server) const { return server_ == &server; }
    void send_to_client(std::string_view bytes);
    void close_to_client();
    void server_down(bool power);

    // --- faults ---
    void delay(Duration time, Duration by);
    void clog(Duration time) { clogged_until_ = stage_.queue.now() + time; }
    enum class Cut : std::uint8_t { kNone, kToServer, kToClient, kBoth };
    /// Until the next connection: what was cut stays so.
    void cut(Cut cut) { cut_ = cut_ == Cut::kNone || cut_ == cut ? cut : Cut::kBoth; }
    void reset();
    /// In the midst of the next frame.
    void reset_soon() { reset_armed_ = true; }
    [[nodiscard]] bool connected() const { return connection_ != ConnectionId::kNone; }
    void heal();

private:
    [[nodiscard]] Time arrival(Time& last);
    void deliver_to_client(std::string bytes);
    void send_frame(std::string_view frame);
    [[nodiscard]] std::string_view cut_short(std::string_view frame);
    void disconnect();
    /// During this connection, or not at all.
    void at(Time when, std::function<void()> action);

    Stage& stage_;
    ClientId client_;
    LinkEnd* end_ = nullptr;
    Server* server_ = nullptr;
    std::uint64_t number_ = 0;  // of the connection; of the attempt, before it stands
    ConnectionId connection_ = ConnectionId::kNone;
    Time last_to_server_{0};
    Time last_to_client_{0};
    Cut cut_ = Cut::kNone;
    Time delayed_until_{0};
    Duration delay_{0};
    Time clogged_until_{0};
    bool reset_armed_ = false;
    std::string held_back_;  // planted: an event that is to come late, or a reply that is to be overtaken
};

}  // namespace zabd::sim
