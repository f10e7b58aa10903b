// The client's half of ZooKeeper's protocol, without sockets or clocks: requests in, bytes out; bytes in, answers out.
//
// Effects   none but Call::finish() and EventSink::take(), from within inputs. Both may call back in.
// Shell     dials when it likes; tells connected(), what it read, and disconnected(); sends to_send() and says how much
//           of it left with sent(). After each input: `fault()` set means hang up (and tell disconnected()), and
//           next_wakeup() when tick() wants to be called at the latest.
// Bytes     a request's stay in one buffer until it is answered, so that what was not sent, or may be asked again, can go
//           out on the next connection without being made anew.
// Order     answers match requests first in, first out; an identity's (add_auth) among themselves.
// Source    ZooKeeper's client protocol; xids of pings, identities and re-arming as its own clients have them.
#pragma once

#include "client/options.hpp"
#include "client/request_maker.hpp"
#include "client/types.hpp"
#include "client/watch_registry.hpp"
#include "wire/connect.hpp"
#include "wire/frame.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace zabd::client {

/// What waits for an answer.
class Call {
public:
    virtual ~Call() = default;
    /// Exactly once. `body` is what follows the answer's header, good during the call.
    virtual void finish(std::error_code error, std::string_view body) = 0;
};

class Protocol {
public:
    using Number = std::uint64_t;  // of a request, in the order of submit(); 0: none

    /// Of `options` what is about requests and the session; connecting is the shell's.
    explicit Protocol(const Options& options, std::string chroot = {});
    ~Protocol();

    // --- requests ---

    /// Why it may not be asked now, or no error.
    [[nodiscard]] std::error_code refusal(const Request& request) const;
    /// After refusal() found nothing.
    Number submit(Request request, std::unique_ptr<Call> call, Instant now);
    /// Finishes it with `error` if it still waits; it is not sent if it was not.
    void give_up(Number number, std::error_code error) { give_up(std::vector{number}, error); }
    /// Finishes all that waits (kClosed), asks the server to end the session, and finishes `call` when it has, or when
    /// the connection is lost. Once.
    void close(std::unique_ptr<Call> call, Instant now);

    /// Takes out whoever waits, to be dropped unfinished: nobody can be told any more.
    [[nodiscard]] std::vector<std::unique_ptr<Call>> abandon();

    // --- watches ---

    void add_sink(EventSink& sink);
    /// It hears nothing more; what only it watched is taken from the server.
    void drop_sink(EventSink& sink, Instant now);

    // --- the connection ---

    void connected(Instant now);
    void disconnected(Instant now);
    void receive(std::string_view bytes, Instant now);
    [[nodiscard]] std::string_view to_send() const;
    void sent(std::size_t bytes, Instant now);
    void tick(Instant now);
    /// Why the connection is to be dropped; nullptr: it is well.
    [[nodiscard]] const char* fault() const { return fault_; }
    /// Only while connected() or something waits; else far away.
    [[nodiscard]] Instant next_wakeup() const;

    // --- what it knows ---

    [[nodiscard]] State state() const { return state_; }
    /// Nothing will ever be asked again.
    [[nodiscard]] bool over() const;
    /// Is there a server's greeting on this connection?
    [[nodiscard]] bool greeted() const { return phase_ == Phase::kGreeted; }
    /// And has it sent anything since? One that greets and hangs up is no better than one that does not accept.
    [[nodiscard]] bool served() const { return served_; }
    [[nodiscard]] const Session& session() const { return session_; }
    [[nodiscard]] Millis session_timeout() const { return timeout_; }
    /// See Client::session_deadline().
    [[nodiscard]] Instant session_deadline() const { return known_heard_ + timeout_; }
    [[nodiscard]] Zxid last_zxid() const { return last_zxid_; }
    [[nodiscard]] std::size_t waiting() const { return entries_.size(); }

private:
    struct Arming {
        WatchKind kind;
        std::string path;
        std::weak_ptr<EventSink> sink;
    };
    /// A request that the server is to answer, in the order of its answers.
    struct Entry {
        Number number = 0;
        std::uint64_t begin = 0;  // its bytes, with the length in front; positions in the stream of all requests
        std::uint64_t end = 0;
        Instant asked{};
        Instant deadline{};
        std::unique_ptr<Call> call{};  // nullptr: nobody waits any more, or nobody ever did
        std::unique_ptr<Arming> arming{};
        Xid xid = 0;
        wire::OpCode op{};
        bool repeatable = false;
        bool guards_next = false;  // a sync whose failure is the next one's
        bool guarded = false;
    };
    struct Identity {
        Number number = 0;
        std::string frame;
        std::unique_ptr<Call> call;  // nullptr: answered
        Instant deadline{};
    };
    enum class Phase : std::uint8_t { kDown, kGreeting, kGreeted };

    Entry& append(std::string_view frame, wire::OpCode op, Instant now);
    void append_raw(std::string_view frame);
    void append_close(Instant now);
    /// All at once, as each costs a pass over what has not been sent. In ascending order.
    void give_up(const std::vector<Number>& numbers, std::error_code error);
    void greet(std::string_view frame, Instant now);
    void refused();
    void take(std::string_view frame, Instant now);
    void take_event(std::string_view body, Zxid zxid);
    void take_identity(std::error_code error);
    void answer(Entry entry, std::error_code error, std::string_view body, Instant now);
    void arm(const Arming& arming, std::error_code error, Instant now);
    void remove_watches(const std::vector<WatchRegistry::Removal>& removals, Instant now);
    void set_state(State state);
    /// Those that still listen: each may drop others.
    void tell(const std::vector<EventSink*>& sinks, const Event& event);
    [[nodiscard]] bool listens(const EventSink* sink) const;
    void fail_all(std::error_code error);
    /// What stands between requests: pings, identities.
    enum class Between : std::uint8_t { kKeep, kDrop };
    /// Takes these entries out, and what was not sent of their bytes.
    std::vector<Entry> take_out(const std::function<bool(const Entry&)>& which, Between between);
    void trim();
    [[nodiscard]] bool was_sent(const Entry& entry) const { return entry.begin < sent_; }
    /// Of a guard: what it guards, unless that is gone.
    [[nodiscard]] const Entry* guarded_by(const Entry& guard) const;

    Options options_;
    wire::FrameSplitter splitter_;
    WatchRegistry watches_;
    std::vector<EventSink*> sinks_;

    State state_ = State::kConnecting;
    Phase phase_ = Phase::kDown;
    bool served_ = false;  // on this connection
    const char* fault_ = nullptr;
    bool closing_ = false;
    std::unique_ptr<Call> close_call_;
    Number close_number_ = 0;

    Session session_;
    bool session_global_ = true;  // false: made by a read-only server, and known to it alone
    Millis timeout_;              // negotiated, or wanted
    Zxid last_zxid_;
    Instant heard_{};        // last bytes that came
    Instant spoke_{};        // last bytes that left
    Instant pinged_{};       // when the ping in flight left
    bool ping_out_ = false;  //
    Instant known_heard_{};  // when the last request left that the server has answered

    std::string preface_;  // greeting, identities, watches: in front of the requests, for this connection only
    std::string stream_;   // requests, from position base_ on
    std::uint64_t base_ = 0;
    std::uint64_t sent_ = 0;  // position of the first byte that has not left
    std::deque<Entry> entries_;
    std::vector<Identity> identities_;
    std::size_t identities_answered_ = 0;  // on this connection
    std::error_code guard_error_;
    Number last_number_ = 0;
    Xid last_xid_ = 0;
    Instant first_deadline_ = Instant::max();  // no entry's is earlier
};

}  // namespace zabd::client
