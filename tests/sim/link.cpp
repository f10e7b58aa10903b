#include "tests/sim/link.hpp"

#include "wire/frame.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <utility>

namespace zabd::sim {

namespace {

constexpr Duration kDelayMin{50};
constexpr Duration kDelayMax = milliseconds(5);
constexpr Duration kRefusal = milliseconds(1);

Xid xid_of(std::string_view frame) {
    wire::Decoder in(frame.substr(wire::kFramePrefixBytes));
    return in.get_int();
}

}  // namespace

void Link::at(Time when, std::function<void()> action) {
    stage_.queue.at(when, [this, number = number_, action = std::move(action)] {
        if (number == number_) action();
    });
}

Time Link::arrival(Time& last) {
    const auto now = stage_.queue.now();
    auto when = now + stage_.random.mostly_short(kDelayMin, kDelayMax);
    if (now < delayed_until_) when += stage_.random.between(Duration(0), delay_);
    last = std::max({last, when, clogged_until_});
    return last;
}

// --- the client's end ------------------------------------------------------------------------------------------------

void Link::connect(Server& server) {
    ++number_;
    server_ = &server;
    cut_ = Cut::kNone;
    reset_armed_ = false;
    held_back_.clear();
    last_to_server_ = last_to_client_ = stage_.queue.now();
    at(arrival(last_to_server_), [this] {
        if (!server_->accepts()) {
            at(stage_.queue.now() + kRefusal, [this] { end_->on_refused(); });
            return;
        }
        connection_ = server_->accept();
        stage_.trace.event("client {} is connected as {}", client_, number(connection_));
        at(arrival(last_to_client_), [this] { end_->on_connected(); });
    });
}

void Link::send(std::string_view bytes) {
    if (cut_ == Cut::kToServer || cut_ == Cut::kBoth) return;
    if (reset_armed_ && connected()) bytes = cut_short(bytes);
    while (!bytes.empty()) {
        const auto size = stage_.random.per_mille(150) ? 1 + stage_.random.below(bytes.size()) : bytes.size();
        at(arrival(last_to_server_), [this, piece = std::string(bytes.substr(0, size))] {
            if (connected()) server_->receive(connection_, piece);
        });
        bytes.remove_prefix(size);
    }
}

void Link::close() {
    if (connected() && cut_ != Cut::kToServer && cut_ != Cut::kBoth) {
        // The server hears of it behind what was sent; the link may have its next connection by then.
        stage_.queue.at(arrival(last_to_server_),
                        [server = server_, connection = connection_] { server->peer_closed(connection); });
    }
    disconnect();
}

void Link::disconnect() {
    ++number_;
    connection_ = ConnectionId::kNone;
}

// --- the server's end ------------------------------------------------------------------------------------------------

void Link::send_to_client(std::string_view bytes) {
    while (!bytes.empty()) {
        wire::Decoder in(bytes);
        const auto size = wire::kFramePrefixBytes + static_cast<std::size_t>(in.get_int());
        send_frame(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
}

/// One frame, with the bugs that can be planted here.
void Link::send_frame(std::string_view frame) {
    const bool event = frame.size() >= 8 && xid_of(frame) == wire::kXidWatchEvent;
    const auto bug = stage_.planted.bug;
    if (bug == Bug::kEventDropped && event && stage_.random.per_mille(200)) return;
    if (bug == Bug::kEventBehindReply && event && held_back_.empty()) {
        held_back_ = frame;
        return;
    }
    const bool swap = bug == Bug::kRepliesSwapped && !event && held_back_.empty() && stage_.random.per_mille(50);
    if (swap) {
        held_back_ = frame;
        return;
    }
    deliver_to_client(std::string(frame));
    if (!event && !held_back_.empty()) deliver_to_client(std::exchange(held_back_, {}));
}

void Link::deliver_to_client(std::string bytes) {
    if (cut_ == Cut::kToClient || cut_ == Cut::kBoth) return;
    std::string_view rest(bytes);
    if (reset_armed_ && stage_.random.coin()) rest = cut_short(rest);
    while (!rest.empty()) {
        const auto size = stage_.random.per_mille(150) ? 1 + stage_.random.below(rest.size()) : rest.size();
        at(arrival(last_to_client_), [this, piece = std::string(rest.substr(0, size))] { end_->on_bytes(piece); });
        rest.remove_prefix(size);
    }
}

void Link::close_to_client() {
    if (cut_ == Cut::kToClient || cut_ == Cut::kBoth) return;
    at(arrival(last_to_client_), [this] {
        disconnect();
        end_->on_disconnected();
    });
}

void Link::server_down(bool power) {
    if (!connected()) return;
    connection_ = ConnectionId::kNone;
    // A machine without power tells nobody: its clients wait until they have waited long enough.
    if (power && stage_.random.coin()) {
        cut_ = Cut::kBoth;
        return;
    }
    close_to_client();
}

// --- faults ----------------------------------------------------------------------------------------------------------

void Link::delay(Duration time, Duration by) {
    delayed_until_ = stage_.queue.now() + time;
    delay_ = by;
}

void Link::reset() {
    reset_armed_ = false;
    if (!connected()) return;
    auto* server = server_;
    const auto connection = connection_;
    disconnect();  // what is on its way does not arrive
    server->peer_closed(connection);
    end_->on_disconnected();
}

/// A part of a frame, behind which the connection breaks.
std::string_view Link::cut_short(std::string_view frame) {
    reset_armed_ = false;
    cut_ = Cut::kBoth;  // nothing follows
    stage_.faults.add(Fault::kResetMidFrame);
    const auto part = frame.substr(0, 1 + stage_.random.below(frame.size() - 1));
    at(std::max({last_to_server_, last_to_client_, stage_.queue.now()}) + kDelayMax * 2, [this] { reset(); });
    return part;
}

void Link::heal() {
    delayed_until_ = clogged_until_ = Time{0};
    reset_armed_ = false;
}

}  // namespace zabd::sim
