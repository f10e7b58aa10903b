#include "tests/sim/client.hpp"

#include "wire/assert.hpp"
#include "wire/connect.hpp"

#include <algorithm>
#include <utility>

namespace zabd::sim {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

namespace {

constexpr std::uint64_t kMoves = 800;   // of a thousand losses: it tries another server
constexpr std::uint64_t kWanders = 10;  // of a thousand thoughts: it leaves its server, though nothing is wrong
constexpr Duration kBackOffMin = milliseconds(20);
constexpr Duration kBackOffMax = seconds(2);

}  // namespace

Client::Client(Stage& stage, ClientId id, const ClientOptions& options, std::vector<Server*> servers,
               Checkers& checkers)
    : stage_(stage),
      id_(id),
      options_(options),
      servers_(std::move(servers)),
      server_(stage.random.below(servers_.size())),
      checkers_(checkers),
      link_(stage, id),
      workload_(stage.random, options.mix),
      timeout_ms_(options.timeout_ms) {
    link_.attach(*this);
}

void Client::after(Duration wait, std::function<void()> action) {
    stage_.queue.after(wait, [this, attempt = attempt_, action = std::move(action)] {
        if (attempt == attempt_) action();
    });
}

// --- connecting ------------------------------------------------------------------------------------------------------

void Client::start() {
    ++attempt_;
    phase_ = Phase::kConnecting;
    splitter_ = wire::FrameSplitter(1 << 20);
    heard_ = sent_ = stage_.queue.now();
    link_.connect(*servers_[server_]);
    look_at_clock();
}

void Client::on_connected() {
    phase_ = Phase::kGreeting;
    link_.send(connect_frame(session_, password_, zxid_seen_, options_.timeout_ms));
}

void Client::greeted(std::string_view frame) {
    const auto reply = wire::decode_connect_reply(frame);
    ZABD_ASSERT(reply.has_value());
    if (reply->session == SessionId::kNone) {
        stage_.trace.event("client {} is told that session {:#x} is over", id_, number(session_));
        forget_session();
        return lose("refused");
    }
    stage_.trace.event("client {} has session {:#x} timeout {}", id_, number(reply->session), reply->timeout_ms);
    session_ = reply->session;
    password_ = reply->password;
    timeout_ms_ = reply->timeout_ms;
    phase_ = Phase::kOpen;
    look_at_clock();  // by the timeout that was agreed on
    tell([&](Checker& checker) { checker.on_client_connected(id_, session_); });
    rearm_watches();
    if (again_) ask(*std::exchange(again_, std::nullopt));
    think();
}

void Client::rearm_watches() {
    if (watches_.size() == 0) return;
    const auto body = wire::encoded(watches_.request(zxid_seen_));
    send(kXidSetWatches, {.op = OpCode::kSetWatches2, .path = {}, .body = body});
}

void Client::look_at_clock() {
    after(timeout() / 6, [this, looks = ++looks_] {
        if (looks == looks_) look_at_clock();
    });
    const auto now = stage_.queue.now();
    if (now - heard_ > timeout() * 2 / 3) {
        link_.close();
        return lose("silence");
    }
    if (phase_ == Phase::kOpen && !closing_ && now - sent_ > timeout() / 3)
        send(wire::kXidPing, {.op = OpCode::kPing, .path = {}, .body = {}});
}

void Client::lose(std::string_view why) {
    if (phase_ == Phase::kRetired) return;
    stage_.trace.event("client {} is away: {}", id_, why);
    tell([&](Checker& checker) { checker.on_client_disconnected(id_); });
    const auto lost = std::ranges::find_if(asked_, [](const Waiting& one) { return is_write(one.request.op); });
    if (lost != asked_.end() && lost->request.op != OpCode::kCloseSession && stage_.random.coin()) {
        again_ = lost->request;
        stage_.faults.add(Fault::kResent);
    }
    asked_.clear();
    if (std::exchange(closing_, false)) forget_session();
    link_.close();
    come_back(stage_.random.mostly_short(kBackOffMin, kBackOffMax));
}

void Client::come_back(Duration wait) {
    ++attempt_;
    if (servers_.size() > 1 && !options_.pinned && stage_.random.per_mille(kMoves))
        server_ = stage_.random.below(servers_.size());
    phase_ = Phase::kAway;
    after(wait, [this] { start(); });
}

void Client::forget_session() {
    session_ = SessionId::kNone;
    password_ = {};
    watches_.clear();
    timeout_ms_ = options_.timeout_ms;
    tell([&](Checker& checker) { checker.on_client_lost_session(id_); });
}

void Client::abandon(bool silently) {
    stage_.trace.event("client {} abandons its session", id_);
    tell([&](Checker& checker) { checker.on_client_disconnected(id_); });
    if (silently) link_.cut(Link::Cut::kBoth);
    link_.close();
    asked_.clear();
    again_.reset();
    closing_ = false;
    forget_session();
    come_back(stage_.random.between(kBackOffMax, kBackOffMax * 5));
}

void Client::close_session() {
    if (phase_ != Phase::kOpen || closing_) return;
    closing_ = true;
    send(++xid_last_, {.op = OpCode::kCloseSession, .path = {}, .body = {}});
}

void Client::retire() {
    link_.close();
    ++attempt_;
    phase_ = Phase::kRetired;
}

// --- asking ----------------------------------------------------------------------------------------------------------

void Client::probe() {
    probing_ = true;
    probes_answered_ = 0;
    if (phase_ == Phase::kOpen) think();  // without waiting for what it was to do next
}

void Client::think() {
    const auto wait = probing_ ? milliseconds(500) : stage_.random.mostly_short(options_.think_min, options_.think_max);
    after(wait, [this, thinks = ++thinks_] {
        if (thinks == thinks_) think();
    });
    if (closing_ || resting_ || asked_.size() >= options_.pipeline_max) return;
    const bool wanders = servers_.size() > 1 && !options_.pinned && !probing_ && phase_ == Phase::kOpen;
    if (wanders && stage_.random.per_mille(kWanders)) return lose("it moves on");
    ask(probing_ ? Workload::probe() : workload_.next());
}

void Client::ask(const ClientRequest& request) { send(++xid_last_, request); }

void Client::send(Xid xid, const ClientRequest& request) {
    sent_ = stage_.queue.now();
    if (request.op != OpCode::kPing) {
        stage_.trace.event("client {} asks xid {} op {} {} {}", id_, xid, static_cast<int>(request.op), request.path,
                           request.watches ? "watch" : "");
        asked_.push_back({xid, request});
        tell([&](Checker& checker) {
            checker.on_client_sent(id_, {xid, request.op, request.path, request.watches, request.body});
        });
    }
    link_.send(framed(wire::encoded(wire::RequestHeader{xid, request.op}) + request.body));
}

// --- hearing ---------------------------------------------------------------------------------------------------------

void Client::on_bytes(std::string_view bytes) {
    heard_ = stage_.queue.now();
    splitter_.feed(bytes);
    const auto attempt = attempt_;
    while (const auto frame = splitter_.next()) {
        phase_ == Phase::kGreeting ? greeted(*frame) : take(*frame);
        if (attempt != attempt_) return;
    }
    ZABD_ASSERT(!splitter_.failed());
}

void Client::take(std::string_view frame) {
    const auto heard = decode_heard(frame);
    if (heard.event) return take_event(*heard.event, heard.header.zxid == kZxidUnknown);
    take_reply(heard.header, heard.body);
}

void Client::take_event(const wire::WatcherEvent& event, bool catching_up) {
    stage_.trace.event("client {} sees event {} {}", id_, static_cast<int>(event.type), event.path);
    tell([&](Checker& checker) { checker.on_client_event(id_, event, catching_up); });
    watches_.spend(event);
}

void Client::take_reply(const wire::ReplyHeader& header, std::string_view body) {
    if (header.xid == wire::kXidPing) {
        tell([&](Checker& checker) {
            checker.on_client_reply(id_, {.xid = header.xid, .op = OpCode::kPing}, header, body);
        });
        return;
    }
    stage_.trace.event("client {} is answered xid {} zxid {:#x} error {} {}", id_, header.xid, header.zxid.value,
                       static_cast<int>(header.error), body.size());
    const auto request = asked_.empty() ? ClientRequest{} : asked_.front().request;
    const Sent sent{asked_.empty() ? 0 : asked_.front().xid, request.op, request.path, request.watches, request.body};
    tell([&](Checker& checker) { checker.on_client_reply(id_, sent, header, body); });
    asked_.pop_front();
    zxid_seen_ = std::max(zxid_seen_, header.zxid);
    learn(request, header.error, body);
    if (probing_ && header.error == ErrorCode::kOk && is_write(request.op)) ++probes_answered_;
}

void Client::learn(const ClientRequest& asked, ErrorCode error, std::string_view body) {
    watches_.learn(asked, error);
    if (error != ErrorCode::kOk) return;
    switch (asked.op) {
        case OpCode::kCreate:
            if (const auto reply = wire::decoded<wire::PathReply>(body))
                workload_.learn_path(std::string(*reply->path));
            break;
        case OpCode::kSetData:
            if (const auto reply = wire::decoded<wire::StatReply>(body))
                workload_.learn_version(asked.path, reply->stat.version);
            break;
        default: break;
    }
}

}  // namespace zabd::sim
