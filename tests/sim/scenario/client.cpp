#include "tests/sim/scenario/client.hpp"

#include "wire/assert.hpp"
#include "wire/connect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::sim::scenario {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

namespace {

constexpr Duration kOneWay = milliseconds(1);

}  // namespace

Client::Client(const Around& around, std::string name, ClientId id, Duration timeout)
    : around_(around), name_(std::move(name)), id_(id), timeout_(timeout) {}

// --- connecting ------------------------------------------------------------------------------------------------------

void Client::connect(Server& server) {
    leave();
    if (!server.accepts()) return tell(fmt::format("{} refuses the connection", number(server.id())));
    ++attempt_;
    silent_ = greeted_ = false;
    splitter_ = wire::FrameSplitter(1 << 20);
    server_ = &server;
    connection_ = server.accept();
    send(connect_frame(session_, password_, zxid_seen_, static_cast<std::int32_t>(timeout_.count() / 1000)));
    keep_alive();
}

void Client::leave() {
    if (connected()) {
        tell_checkers([&](Checker& checker) { checker.on_client_disconnected(id_); });
        if (!silent_)
            around_.stage.queue.after(
                kOneWay, [server = server_, connection = connection_] { server->peer_closed(connection); });
    }
    connection_ = ConnectionId::kNone;
    asked_.clear();
}

void Client::greeted(std::string_view frame) {
    const auto reply = wire::decode_connect_reply(frame);
    ZABD_ASSERT(reply.has_value());
    greeted_ = true;
    if (reply->session == SessionId::kNone) {
        tell("its session is over");
        session_ = SessionId::kNone;
        zxid_seen_ = {};
        watches_.clear();
        tell_checkers([&](Checker& checker) { checker.on_client_lost_session(id_); });
        return;
    }
    tell(session_ == reply->session ? fmt::format("goes on with its session at {}", number(server_->id()))
                                    : fmt::format("has a session at {}", number(server_->id())));
    session_ = reply->session;
    password_ = reply->password;
    around_.names[session_] = name_;
    tell_checkers([&](Checker& checker) { checker.on_client_connected(id_, session_); });
    rearm_watches();
}

void Client::rearm_watches() {
    if (watches_.size() == 0) return;
    auto words = fmt::format("setWatches {} of {}", watches_.size(), text_of(zxid_seen_));
    const auto body = wire::encoded(watches_.request(zxid_seen_));
    send_request(kXidSetWatches, {.op = OpCode::kSetWatches2, .path = {}, .body = body}, std::move(words));
}

void Client::hear_close() {
    if (silent_) return;
    tell("its connection is closed");
    tell_checkers([&](Checker& checker) { checker.on_client_disconnected(id_); });
    connection_ = ConnectionId::kNone;
    asked_.clear();
}

void Client::keep_alive() {
    around_.stage.queue.after(timeout_ / 3, [this, attempt = attempt_] {
        if (attempt != attempt_ || !connected() || silent_) return;
        if (greeted_) send(framed(wire::encoded(wire::RequestHeader{wire::kXidPing, OpCode::kPing})));
        keep_alive();
    });
}

// --- asking ----------------------------------------------------------------------------------------------------------

void Client::send(std::string frame) {
    if (silent_) return;
    around_.stage.queue.after(kOneWay, [server = server_, connection = connection_, bytes = std::move(frame)] {
        if (server->up()) server->receive(connection, bytes);
    });
}

void Client::ask(ClientRequest request, std::string words) {
    if (!connected() || !greeted_) return tell(words + " -> not asked: there is no connection");
    send_request(++xid_last_, std::move(request), std::move(words));
}

void Client::send_request(Xid xid, ClientRequest request, std::string words) {
    tell_checkers([&](Checker& checker) {
        checker.on_client_sent(id_, {xid, request.op, request.path, request.watches, request.body});
    });
    send(framed(wire::encoded(wire::RequestHeader{xid, request.op}) + request.body));
    asked_.push_back({xid, std::move(request), std::move(words)});
}

std::vector<std::string> Client::unanswered() const {
    std::vector<std::string> words;
    for (const auto& one : asked_) words.push_back(one.words);
    return words;
}

// --- hearing ---------------------------------------------------------------------------------------------------------

void Client::hear(std::string_view bytes) {
    if (silent_) return;
    splitter_.feed(bytes);
    while (const auto frame = splitter_.next()) greeted_ ? take(*frame) : greeted(*frame);
    ZABD_ASSERT(!splitter_.failed());
}

void Client::take(std::string_view frame) {
    const auto heard = decode_heard(frame);
    if (heard.event) return take_event(*heard.event, heard.header.zxid == kZxidUnknown);
    take_reply(heard.header, heard.body);
}

void Client::take_event(const wire::WatcherEvent& event, bool catching_up) {
    tell("event: " + text_of(event));
    tell_checkers([&](Checker& checker) { checker.on_client_event(id_, event, catching_up); });
    watches_.spend(event);
}

void Client::take_reply(const wire::ReplyHeader& header, std::string_view body) {
    if (header.xid == wire::kXidPing) return;
    ZABD_ASSERT(!asked_.empty());
    const auto [xid, request, words] = asked_.front();
    asked_.pop_front();
    const Sent sent{xid, request.op, request.path, request.watches, request.body};
    const auto answer = header.error == ErrorCode::kOk ? text_of_reply(request, body) : text_of(header.error);
    const auto other = header.xid == xid ? "" : "  (the answer to another request)";
    tell(fmt::format("{} -> {}, at {}{}", words, answer, text_of(header.zxid), other));
    tell_checkers([&](Checker& checker) { checker.on_client_reply(id_, sent, header, body); });
    zxid_seen_ = std::max(zxid_seen_, header.zxid);
    watches_.learn(request, header.error);
}

}  // namespace zabd::sim::scenario
