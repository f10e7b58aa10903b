#include "tests/bench/connections.hpp"

#include "tests/bench/failure.hpp"
#include "wire/connect.hpp"

#include <optional>
#include <thread>
#include <utility>

namespace zabd::bench {
namespace {

using namespace std::chrono_literals;
using wire::OpCode;

constexpr auto kTurn = 10ms;
constexpr auto kSilenceMax = 60s;

class FanOut {
public:
    FanOut(const Addresses& servers, std::string path, std::size_t watchers, const Load& load, const ServerProbe& probe)
        : path_(std::move(path)),
          watchers_(watchers),
          sessions_(open_sessions(watchers + 1, servers)),
          buffer_(kReadBytes),
          measurement_(probe, load.warm_up, load.measured) {
        for (std::size_t i = 0; i < sessions_.size(); ++i) poller_.add(sessions_[i].fd(), i);
    }

    Outcome run() {
        for (std::size_t i = 0; i < watchers_; ++i) watch(i);
        await_round();
        while (!measurement_.over()) {
            set();
            await_round();
            measurement_.turn(Clock::now());
        }
        return measurement_.take();
    }

private:
    void watch(std::size_t number) { ask(number, OpCode::kGetData, wire::ReadRequest{.path = path_, .watch = true}); }

    void set() {
        set_at_ = Clock::now();
        events_missing_ = watchers_;
        ask(watchers_, OpCode::kSetData, wire::SetDataRequest{.path = path_, .data = "x", .version = -1});
    }

    template <class Request>
    void ask(std::size_t number, OpCode op, const Request& request) {
        const auto write = [&](std::string& out, Xid xid) { return append_request(out, xid, op, request), true; };
        sessions_[number].ask(Clock::now(), write);
        ++replies_missing_;
        if (!sessions_[number].flush()) throw Failure("a request does not fit into a socket");
    }

    void await_round() {
        const auto deadline = Clock::now() + kSilenceMax;
        while (events_missing_ > 0 || replies_missing_ > 0) {
            for (const auto number : poller_.wait(kTurn)) receive(number);
            if (Clock::now() > deadline) throw Failure("watch events do not come");
        }
    }

    void receive(std::size_t number) {
        const auto now = Clock::now();
        bool triggered = false;
        const auto see = [&](const wire::ReplyHeader& header, std::string_view, const Asked* asked) {
            if (asked == nullptr) {
                triggered = true;
            } else {
                --replies_missing_;
                if (header.error != wire::ErrorCode::kOk) measurement_.count_error(header.error);
            }
        };
        if (!sessions_[number].receive(buffer_, see)) throw Failure("the server closed a connection");
        if (!triggered) return;
        --events_missing_;
        measurement_.count(set_at_, now);
        watch(number);
    }

    std::string path_;
    std::size_t watchers_;
    std::vector<Session> sessions_;  // the last one sets
    Poller poller_;
    std::vector<char> buffer_;
    Measurement measurement_;
    Clock::time_point set_at_;
    std::size_t events_missing_ = 0;
    std::size_t replies_missing_ = 0;
};

class ConnectClose {
public:
    ConnectClose(const Addresses& servers, std::size_t at_once, const Load& load, const ServerProbe& probe)
        : servers_(servers), clients_(at_once), buffer_(kReadBytes), measurement_(probe, load.warm_up, load.measured) {}

    Outcome run() {
        for (std::size_t i = 0; i < clients_.size(); ++i) begin(i);
        auto heard_last = Clock::now();
        while (!measurement_.over()) {
            const auto ready = poller_.wait(kTurn);
            for (const auto number : ready) receive(number);
            const auto now = Clock::now();
            if (!ready.empty()) heard_last = now;
            if (now - heard_last > kSilenceMax) throw Failure("the server does not answer any more");
            measurement_.turn(now);
        }
        return measurement_.take();
    }

private:
    static constexpr std::size_t kLivesPerSource = 5000;  // ports come to rest for a minute after each
    static constexpr std::size_t kSources = 200;

    struct Client {
        std::optional<Stream> stream;
        wire::FrameSplitter splitter{kReplyBytesMax};
        Clock::time_point begun;
        unsigned frames = 0;
    };

    void begin(std::size_t number) {
        auto& client = clients_[number];
        client.begun = Clock::now();
        client.frames = 0;
        client.stream.emplace(
            connect_to(servers_[number % servers_.size()], source_address(lives_++ / kLivesPerSource % kSources)));
        append_handshake(client.stream->out(), kSessionTimeout);
        poller_.add(client.stream->fd(), number);
        client.stream->flush();
    }

    void receive(std::size_t number) {
        auto& client = clients_[number];
        const auto bytes = client.stream->read_some(buffer_);
        if (!bytes) {
            if (client.frames != 2) throw Failure("the server closed a connection");
            return begin(number);
        }
        client.splitter.feed(*bytes);
        while (const auto frame = client.splitter.next())
            ++client.frames == 1 ? greeted(client, *frame) : closed(client, *frame);
    }

    void greeted(Client& client, std::string_view frame) {
        const auto reply = wire::decode_connect_reply(frame);
        if (!reply || reply->session == SessionId::kNone) throw Failure("the server refused a session");
        append_request(client.stream->out(), 1, OpCode::kCloseSession, NoRecord{});
        client.stream->flush();
    }

    void closed(Client& client, std::string_view frame) {
        wire::ReplyHeader header;
        wire::Decoder in(frame);
        wire::decode(in, header);
        if (in.failed() || header.xid != 1) throw Failure("closeSession was answered with something else");
        if (header.error != wire::ErrorCode::kOk) measurement_.count_error(header.error);
        measurement_.count(client.begun, Clock::now());
    }

    Addresses servers_;
    std::vector<Client> clients_;
    std::size_t lives_ = 0;
    Poller poller_;
    std::vector<char> buffer_;
    Measurement measurement_;
};

}  // namespace

Outcome run_fan_out(const Addresses& servers, const std::string& path, std::size_t watchers, const Load& load,
                    const ServerProbe& probe) {
    return FanOut(servers, path, watchers, load, probe).run();
}

Outcome run_connect_close(const Addresses& servers, std::size_t at_once, const Load& load, const ServerProbe& probe) {
    return ConnectClose(servers, at_once, load, probe).run();
}

IdleOutcome run_idle(const Addresses& servers, std::size_t count, Seconds settle, const ServerProbe& probe) {
    IdleOutcome outcome;
    outcome.rss_before_bytes = probe.rss_bytes().value();
    const auto start = Clock::now();
    const auto sessions = open_sessions(count, servers);
    outcome.opening = Clock::now() - start;
    std::this_thread::sleep_for(settle);
    outcome.rss_after_bytes = probe.rss_bytes().value();
    return outcome;
}

}  // namespace zabd::bench
