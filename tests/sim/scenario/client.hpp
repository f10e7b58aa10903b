// A client that asks what it is told to ask, and tells what it hears. It keeps its session alive by itself, and connects
// when it is told to.
//
// Time      a message takes a millisecond each way.
#pragma once

#include "tests/sim/client_protocol.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/scenario/describe.hpp"
#include "tests/sim/server.hpp"
#include "wire/frame.hpp"

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::sim::scenario {

class Client {
public:
    struct Around {
        Stage& stage;
        Checkers& checkers;
        Names& names;
        std::function<void(std::string)> tell;
    };
    Client(const Around& around, std::string name, ClientId id, Duration timeout);

    /// Leaves the server that it is connected to.
    void connect(Server& server);
    void ask(ClientRequest request, std::string words);
    /// Nothing is sent nor heard any more, and nobody is told, until it connects again.
    void fall_silent() { silent_ = true; }
    /// Is there nothing to wait for?
    [[nodiscard]] bool idle() const { return !connected() || silent_ || (greeted_ && asked_.empty()); }
    [[nodiscard]] std::vector<std::string> unanswered() const;

    // --- the network's ---
    [[nodiscard]] bool is_at(const Server& server, ConnectionId connection) const {
        return server_ == &server && connection_ == connection;
    }
    [[nodiscard]] bool is_at(const Server& server) const { return server_ == &server && connected(); }
    void hear(std::string_view bytes);
    void hear_close();

private:
    struct Waiting {
        Xid xid = 0;
        ClientRequest request;
        std::string words;
    };

    [[nodiscard]] bool connected() const { return connection_ != ConnectionId::kNone; }
    void send(std::string frame);
    void send_request(Xid xid, ClientRequest request, std::string words);
    void greeted(std::string_view frame);
    void take(std::string_view frame);
    void take_event(const wire::WatcherEvent& event, bool catching_up);
    void take_reply(const wire::ReplyHeader& header, std::string_view body);
    void rearm_watches();
    void keep_alive();
    void leave();
    void tell(const std::string& what) { around_.tell(name_ + ": " + what); }
    template <class Tell>
    void tell_checkers(const Tell& tell) {
        for (const auto& checker : around_.checkers) tell(*checker);
    }

    Around around_;
    const std::string name_;
    const ClientId id_;
    Duration timeout_;

    Server* server_ = nullptr;
    ConnectionId connection_ = ConnectionId::kNone;
    std::uint64_t attempt_ = 0;
    bool greeted_ = false;
    bool silent_ = false;
    wire::FrameSplitter splitter_{1 << 20};
    std::deque<Waiting> asked_;
    Xid xid_last_ = 0;

    SessionId session_ = SessionId::kNone;
    wire::Password password_{};
    Zxid zxid_seen_;
    ClientWatches watches_;
};

}  // namespace zabd::sim::scenario
