// A simulated client: speaks the client's protocol over its link, keeps its session alive, comes back after a loss with
// its session and its watches, to the same server or to another one, and tells the checkers what it sends and sees.
#pragma once

#include "tests/sim/client_protocol.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/workload.hpp"
#include "wire/frame.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {

struct ClientOptions {
    std::int32_t timeout_ms = 10'000;
    std::size_t pipeline_max = 4;
    Duration think_min = milliseconds(1);
    Duration think_max = seconds(2);
    Mix mix;
    bool pinned = false;  // to the server that it has met first
};

class Client final : public LinkEnd {
public:
    /// It knows the addresses of all `servers`.
    Client(Stage& stage, ClientId id, const ClientOptions& options, std::vector<Server*> servers, Checkers& checkers);

    void start();
    /// Never heard of again; its next life has a new session. `silently`: its connection is not closed.
    void abandon(bool silently);
    /// Asks for the session's end before anything else.
    void close_session();

    /// Writes only what always succeeds, and counts them.
    void probe();
    [[nodiscard]] std::uint64_t probes_answered() const { return probes_answered_; }
    /// Asks nothing more of its own, and stays connected.
    void rest() { resting_ = true; }
    [[nodiscard]] bool idle() const { return phase_ == Phase::kOpen && asked_.empty(); }
    /// Ends for good.
    void retire();

    [[nodiscard]] Link& link() { return link_; }

private:
    enum class Phase : std::uint8_t { kAway, kConnecting, kGreeting, kOpen, kRetired };

    // LinkEnd
    void on_connected() override;
    void on_refused() override { lose("refused"); }
    void on_bytes(std::string_view bytes) override;
    void on_disconnected() override { lose("disconnected"); }

    void greeted(std::string_view frame);
    void take(std::string_view frame);
    void take_event(const wire::WatcherEvent& event, bool catching_up);
    void take_reply(const wire::ReplyHeader& header, std::string_view body);
    void learn(const ClientRequest& asked, wire::ErrorCode error, std::string_view body);

    void think();
    void ask(const ClientRequest& request);
    void send(Xid xid, const ClientRequest& request);
    void rearm_watches();
    void look_at_clock();
    void lose(std::string_view why);
    void forget_session();
    void come_back(Duration wait);
    /// In this connection, or not at all.
    void after(Duration wait, std::function<void()> action);
    [[nodiscard]] Duration timeout() const { return milliseconds(timeout_ms_); }

    template <class Tell>
    void tell(const Tell& tell) {
        for (const auto& checker : checkers_) tell(*checker);
    }

    Stage& stage_;
    ClientId id_;
    ClientOptions options_;
    std::vector<Server*> servers_;
    std::size_t server_ = 0;  // of servers_
    Checkers& checkers_;
    Link link_;
    Workload workload_;

    Phase phase_ = Phase::kAway;
    std::uint64_t attempt_ = 0;
    std::uint64_t looks_ = 0;  // at the clock
    std::uint64_t thinks_ = 0;
    wire::FrameSplitter splitter_{1 << 20};
    Time heard_{0};
    Time sent_{0};

    SessionId session_ = SessionId::kNone;
    wire::Password password_{};
    std::int32_t timeout_ms_ = 0;
    Zxid zxid_seen_;
    Xid xid_last_ = 0;
    ClientWatches watches_;

    struct Waiting {
        Xid xid;
        ClientRequest request;
    };
    std::deque<Waiting> asked_;
    std::optional<ClientRequest> again_;  // lost with a connection, to be asked anew
    bool closing_ = false;
    bool probing_ = false;
    bool resting_ = false;
    std::uint64_t probes_answered_ = 0;
};

}  // namespace zabd::sim
