// Inside of the core: its parts and who calls whom. Included by the core's own sources only.
//
// pipeline.hpp   the way of a transaction, from prepared to applied
// peers.hpp      links: bytes to packets and back, and a snapshot that comes
// sessions.hpp   who keeps sessions alive, who owns them
// syncs.hpp      who waits for a sync
// learners.hpp   what a leader owes its learners
//
// core.cpp       step: time, and what follows from a transaction that was applied
// roles.cpp      what begins and ends with a role; what waits meanwhile
// ensemble.cpp   peers: their inputs to zab, and what zab asks for
// forwarded.cpp  what a learner asks its leader, and is answered
// handshake.cpp  connections and the sessions they open or take over
// requests.cpp   a session's requests in their order
// replies.cpp    frames out: replies and watch events
// status.cpp     what the core tells about itself; inspect.cpp and walk.hpp: what is in it, in slices
// audit.cpp      what clients changed, for who keeps account of it
#pragma once

#include "server/core/client.hpp"
#include "server/core/core.hpp"
#include "server/core/frame_writer.hpp"
#include "server/core/learners.hpp"
#include "server/core/path_loads.hpp"
#include "server/core/peers.hpp"
#include "server/core/pipeline.hpp"
#include "server/core/reads.hpp"
#include "server/core/reaper.hpp"
#include "server/core/sessions.hpp"
#include "server/core/syncs.hpp"
#include "server/core/walk.hpp"
#include "session/credentials.hpp"
#include "wire/assert.hpp"
#include "wire/connect.hpp"
#include "wire/recent_max.hpp"
#include "wire/txns.hpp"
#include "znode/watches.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zabd::core {

/// A client's request, taken apart. Borrows from its frame.
struct Request {
    wire::RequestHeader header;
    std::string_view body;
    std::string_view frame;  // header and body
    Instant since{};         // when it came in
};

/// What a reply says besides its body.
struct Answered {
    wire::ReplyHeader header;
    Instant since{};
    bool keep_body = false;  // though header.error is set
    wire::OpCode op = wire::OpCode::kNotification;
};

/// An operation that takes a zxid.
[[nodiscard]] bool is_write(wire::OpCode op);

struct Core::Impl {
    Impl(const Options& options, Recovered recovered);

    // --- inputs about ourselves and clients (core.cpp, handshake.cpp, status.cpp) ---
    void on(const TimeIs& time, Outputs& out);
    void on(const ClientOpened& opened, Outputs& out);
    void on(const ClientFrame& frame, Outputs& out);
    void on(const ClientClosed& closed, Outputs& out);
    void on(const LogRecovered& recovered, Outputs& out);
    void on(const LogRoom& room, Outputs& out);
    void on(const ResetStatistics& reset, Outputs& out);

    // --- inputs that zab hears of (ensemble.cpp) ---
    void on(const LogDurable& durable, Outputs& out);
    void on(const LogTruncated& truncated, Outputs& out);
    void on(const LogHeldBack& held_back, Outputs& out);
    void on(const LogBegins& begins, Outputs& out);
    void on(const LogRead& read, Outputs& out);
    void on(const HardStateSaved& saved, Outputs& out);
    void on(const PeerOpened& opened, Outputs& out);
    void on(const PeerUnreachable& unreachable, Outputs& out);
    void on(const PeerBytes& bytes, Outputs& out);
    void on(const PeerClosed& closed, Outputs& out);
    void on(const PeerCongested& congested, Outputs& out);
    void on(const ElectionFrame& frame, Outputs& out);
    void on(const ElectionLink& link, Outputs& out);
    void on(const SnapshotOpened& opened, Outputs& out);
    void on(const SnapshotStreamed& streamed, Outputs& out);
    void on(const SnapshotInstalled& installed, Outputs& out);
    void on(const StepDown& step_down, Outputs& out);

    // --- what zab asks for, but for the pipeline's share (ensemble.cpp, roles.cpp, forwarded.cpp) ---
    void carry_out(const zab::Dial& dial, Outputs& out);
    void carry_out(const zab::SendPacket& send, Outputs& out);
    void carry_out(zab::CloseLink& close, Outputs& out);
    void carry_out(const zab::SendNotification& send, Outputs& out);
    void carry_out(const zab::OpenSnapshot& open, Outputs& out);
    void carry_out(const zab::StreamSnapshot& stream, Outputs& out);
    void carry_out(const zab::ReceiveSnapshot& receive, Outputs& out);
    void carry_out(const zab::InstallSnapshot& install, Outputs& out);
    void carry_out(const zab::DropSnapshot& drop, Outputs& out);
    void carry_out(const zab::AnswerPing& ping, Outputs& out);
    void carry_out(zab::ForCore& packet, Outputs& out);
    void carry_out(const zab::Confirmed& confirmed, Outputs& out);
    void carry_out(const zab::RoleChanged& changed, Outputs& out);
    void carry_out(const zab::LearnerChanged& changed, Outputs& out);
    void carry_out(zab::Note& note, Outputs& out);
    void carry_out(const auto&, Outputs&) { fatal("this is for the pipeline"); }

    // --- time, and what an applied transaction brings about (core.cpp) ---
    void start(Outputs& out);
    void expire_sessions(Outputs& out);
    void reap(Outputs& out);
    void applied(const wire::TxnHeader& header, Outputs& out);
    /// What has become possible by an input, whatever it was.
    void settle(Outputs& out);
    [[nodiscard]] Zxid zxid_applied() const { return pipeline_.zxid_applied(); }
    [[nodiscard]] const zab::Participant& zab() const { return pipeline_.zab(); }

    // --- roles (roles.cpp) ---
    void begin_serving(Outputs& out);
    void stop_serving();
    void resume(Client& client, Outputs& out);
    void give_up(Outputs& out);
    void end_read_only(Outputs& out);
    void tell_role(const zab::RoleChanged& changed, Outputs& out);
    /// Good while we serve.
    [[nodiscard]] bool leads() const { return role_ == zab::Role::kLeading; }
    /// Writes may be submitted or forwarded, and reads answered.
    [[nodiscard]] bool available() const;
    [[nodiscard]] bool answers() const { return read_only_ || available(); }
    [[nodiscard]] std::vector<ConnectionId> connections_in_order() const;

    // --- frames that wait for a role, or for their session (roles.cpp) ---
    void hold(Client& client, std::string_view frame, Outputs& out);
    void hold_back(const Client& client);
    void take_up(Client& client, Outputs& out);
    [[nodiscard]] bool submit_lost(Client& client, Outputs& out);

    // --- between a learner and its leader (forwarded.cpp) ---
    void forward(const Client& client, const wire::RequestHeader& header, std::string_view body, Outputs& out);
    void ask_leader(const Client& client, Outputs& out);
    void ask_sync(Outputs& out);
    void take_forwarded(const zab::ForCore& from, Outputs& out);
    void take_request(const zab::ForCore& from, Outputs& out);
    void take_revalidation(const zab::ForCore& from, Outputs& out);
    void take_touches(const zab::ForCore& from);
    void take_validity(const zab::ForCore& from, Outputs& out);
    [[nodiscard]] wire::ErrorCode refusal_of(const wire::ForwardedRequest& request, LinkId link);
    void answer_learners(Outputs& out);

    // --- connections and sessions (handshake.cpp) ---
    void dispatch(Client& client, std::string_view frame, Instant since, Outputs& out);
    void handshake(Client& client, std::string_view frame, Outputs& out);
    void open_session(Client& client, Outputs& out);
    void create_session(Client& client, Outputs& out);
    void reattach(Client& client, const wire::ConnectRequest& request, Outputs& out);
    void open_read_only(Client& client, const wire::ConnectRequest& request, Outputs& out);
    /// `valid`: the leader says that the client's session is open.
    void validated(Client& client, bool valid, Outputs& out);
    void attach(Client& client, bool valid, Outputs& out);
    void greet(Client& client, Outputs& out);
    void refuse(Client& client, Outputs& out);
    void close(Client& client, Outputs& out);
    void close_owner(SessionId session, Outputs& out);
    void forget_silent_readers(Outputs& out);
    [[nodiscard]] Client* find(ConnectionId connection);
    [[nodiscard]] bool touch(Client& client);
    void begin_session_ids();
    [[nodiscard]] SessionId new_session();
    /// The secret may change when a leader tells its own.
    [[nodiscard]] wire::Password password_of(SessionId session) const;
    [[nodiscard]] bool is_password(SessionId session, std::string_view given) const;
    [[nodiscard]] session::Credentials credentials() const { return session::Credentials(zab().hard_state().secret); }

    // --- requests in their order (requests.cpp) ---
    void request(Client& client, std::string_view frame, Instant since, Outputs& out);
    void authenticate(Client& client, Request& request, Outputs& out);
    void answer_unknown(Client& client, const Request& request, Outputs& out);
    void take(Client& client, const Request& request, Outputs& out);
    void take_write(Client& client, const Request& request, Outputs& out);
    void take_write_read_only(Client& client, const Request& request, Outputs& out);
    [[nodiscard]] bool has_room_for(wire::OpCode op, std::size_t bytes) const;
    void submit(Client& client, const wire::RequestHeader& header, std::string_view body, Outputs& out);
    void prepare(const Asker& asker, wire::OpCode op, std::string_view body, Outputs& out);
    void refuse_write(Client& client, const Request& request, wire::ErrorCode error, Outputs& out);
    void wait(Client& client, Waiting waiting, Outputs& out);
    void pause_if_too_much(Client& client, Outputs& out);
    Waiting take_front(Client& client);
    void run_turns(Client& client, Outputs& out);
    [[nodiscard]] static bool turn_is_next(const Client& client);
    void answer_turn(Client& client, Outputs& out);
    void answer(Client& client, const Request& request, Outputs& out);
    void answer_write(const wire::TxnHeader& header, Outputs& out);
    [[nodiscard]] bool must_wait(const Client& client, std::string_view frame) const;
    void release_syncs(Outputs& out);
    [[nodiscard]] std::size_t in_flight() const;
    [[nodiscard]] bool too_many_in_flight() const;
    void resume_clients(Outputs& out);

    // --- frames out (replies.cpp) ---
    void notify_watchers(Outputs& out);
    void send_event(Client& client, wire::EventType type, std::string_view path, Outputs& out);
    void send_reply(Client& client, ReplyWriter& writer, const Answered& answered, Outputs& out);
    void send_header(Client& client, const Request& request, Zxid zxid, wire::ErrorCode error, Outputs& out);
    void send(Client& client, std::size_t begin, std::size_t size, Outputs& out);

    // --- what is told (status.cpp, inspect.cpp, audit.cpp) ---
    [[nodiscard]] ServerState state() const;
    [[nodiscard]] WalkContext walk_context(znode::Identities who) const;
    [[nodiscard]] SessionView view_of(SessionId id, Millis timeout) const;
    void count_load(const Request& request);
    void tell_slow(const Client& client, const Answered& answered, Millis took, Outputs& out);
    void audit(const Client& client, const Audited& what, Outputs& out);
    void audit_each(const Client& client, wire::OpCode op, std::string_view body, Audited what, Outputs& out);
    void audit_refused(const Client& client, wire::OpCode op, std::string_view body, wire::ErrorCode error,
                       Outputs& out);
    void audit_applied(const Client& client, const Waiting& done, const wire::TxnHeader& header, Outputs& out);
    void audit_own(const wire::TxnHeader& header, Outputs& out);
    void audit_abandoned(const Client& client, Outputs& out);

    // --- state ---
    Options options_;
    Pipeline pipeline_;
    Peers peers_;
    Sessions sessions_;
    Syncs syncs_;
    Learners learners_;
    session::IdSource session_ids_;
    znode::Watches watches_;
    Reaper reaper_;

    Now now_;
    bool started_ = false;  // the first TimeIs has come: recovery is over
    Instant started_at_;

    // The role.
    zab::Role role_ = zab::Role::kLooking;
    bool serving_ = false;
    LinkId leader_link_ = LinkId::kNone;
    Instant unserved_since_;
    bool given_up_ = false;   // no leader came in time: clients are turned away, or may only read
    bool read_only_ = false;  // they may
    Zxid sync_bound_;         // leader: what was proposed when the question on its way was asked
    /// What learners asked of a leader that may not propose yet, or just now.
    std::deque<zab::ForCore> deferred_;
    /// Learner: requests that the leader has, and whose transactions have not come: they come in this order.
    std::deque<std::pair<SessionId, Xid>> forwarded_;

    std::unordered_map<ConnectionId, Client> clients_;
    std::unordered_map<SessionId, ConnectionId> owners_;
    std::set<ConnectionId> paused_;
    std::set<ConnectionId> holding_;  // that wait for a role
    bool held_back_ = false;          // there are such
    /// Sessions given while we were read-only, which only this server knows, and when they end if they stay silent.
    std::map<SessionId, Instant> readers_;
    std::set<SessionId> expired_here_;  // whose end this leader has proposed
    PathLoads path_loads_;
    RecentMax<Instant> latency_ms_max_;
    std::size_t outstanding_ = 0;
    std::vector<ConnectionId> told_;  // scratch of notify_watchers

    Status status_;  // counters; the rest is filled in when asked
};

}  // namespace zabd::core
