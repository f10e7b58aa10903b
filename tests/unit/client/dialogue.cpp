#include "tests/unit/client/dialogue.hpp"

#include "wire/requests.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

namespace zabd::client::tests {
namespace {

class Recorder final : public Call {
public:
    explicit Recorder(Outcomes outcome) : outcome_(std::move(outcome)) {}
    void finish(std::error_code error, std::string_view body) override {
        ++outcome_->times;
        outcome_->error = error;
        outcome_->body = body;
    }

private:
    Outcomes outcome_;
};

}  // namespace

bool operator==(const Outcome& outcome, Errc error) {
    return outcome.times == 1 && (error == Errc{} ? !outcome.error : outcome.error == error);
}

void Listener::take(const Event& event) {
    auto text = std::string(name_of(event.type)) + " ";
    text += event.type == EventType::kState ? name_of(event.state) : event.path;
    events_.push_back(std::move(text));
    on_take();
}

std::vector<std::string> Listener::heard() { return std::exchange(events_, {}); }

Dialogue::Dialogue(const Options& options, std::string below)
    : chroot(std::move(below)), make(chroot), protocol(options, chroot) {}

wire::ConnectRequest Dialogue::open() {
    protocol.connected(now);
    greeting_ = protocol.to_send();
    protocol.sent(greeting_.size(), now);
    arrived_.clear();
    const auto greeting = wire::decode_connect_request(std::string_view(greeting_).substr(wire::kFramePrefixBytes));
    REQUIRE(greeting);
    return *greeting;
}

void Dialogue::greet(const wire::ConnectReply& reply) {
    std::string frame;
    wire::Encoder out(frame);
    wire::encode(out, reply);
    send(framed(frame));
}

void Dialogue::connect(SessionId session, Millis timeout) {
    open();
    auto reply = granted(session);
    reply.timeout_ms = static_cast<std::int32_t>(timeout.count());
    greet(reply);
}

std::unique_ptr<Call> Dialogue::call(const Outcomes& outcome) { return std::make_unique<Recorder>(outcome); }

Outcomes Dialogue::ask(Request request) {
    REQUIRE(!protocol.refusal(request));
    auto outcome = std::make_shared<Outcome>();
    last = protocol.submit(std::move(request), call(outcome), now);
    return outcome;
}

std::vector<Asked> Dialogue::hear(std::size_t bytes_max) {
    while (bytes_max != 0 && !protocol.to_send().empty()) {
        const auto bytes = protocol.to_send().substr(0, bytes_max);
        arrived_ += bytes;
        bytes_max -= bytes.size();
        protocol.sent(bytes.size(), now);
    }
    std::vector<Asked> asked;
    wire::FrameSplitter splitter(1 << 20);
    splitter.feed(arrived_);
    std::size_t whole = 0;
    while (const auto frame = splitter.next()) {
        wire::Decoder in(*frame);
        wire::RequestHeader header;
        wire::decode(in, header);
        asked.push_back({header.xid, header.op, std::string(in.rest())});
        whole += wire::kFramePrefixBytes + frame->size();
    }
    arrived_.erase(0, whole);
    return asked;
}

void Dialogue::answer(Xid xid, wire::ErrorCode error, std::string_view body, Zxid zxid) {
    send(reply_bytes(xid, error, body, zxid));
}

void Dialogue::answer_all() {
    for (const auto& asked : hear()) answer(asked.xid);
}

void Dialogue::event(wire::EventType type, std::string_view path, Zxid zxid) {
    const wire::WatcherEvent event{.type = type, .path = path};
    send(reply_bytes(wire::kXidWatchEvent, wire::ErrorCode::kOk, wire::encoded(event), zxid));
}

void Dialogue::pass(Millis time) {
    now += time;
    protocol.tick(now);
}

wire::ConnectReply granted(SessionId session, bool read_only) {
    return {.timeout_ms = static_cast<std::int32_t>(Dialogue::kTimeout.count()),
            .session = session,
            .read_only = read_only};
}

wire::ConnectReply refused() { return {.timeout_ms = 0, .session = SessionId::kNone, .read_only = false}; }

std::string framed(std::string_view frame) {
    std::string bytes;
    wire::Encoder(bytes).put_counted(frame);
    return bytes;
}

std::string reply_bytes(Xid xid, wire::ErrorCode error, std::string_view body, Zxid zxid) {
    auto frame = wire::encoded(wire::ReplyHeader{xid, zxid, error});
    frame += body;
    return framed(frame);
}

std::vector<wire::OpCode> ops_of(const std::vector<Asked>& asked) {
    std::vector<wire::OpCode> ops;
    for (const auto& each : asked) ops.push_back(each.op);
    return ops;
}

}  // namespace zabd::client::tests
