// Inside of the core: its parts and who calls whom. Included by the core's own sources only.
//
// pipeline.hpp   the way of a transaction from request to applied: a class of its own
// core.cpp       step: time, expiry, what follows from a transaction that was applied
// handshake.cpp  connections and the sessions they open or take over
// requests.cpp   a session's requests in their order
// replies.cpp    frames out: replies and watch events
// status.cpp     what the core tells about itself
#pragma once

#include "server/core/client.hpp"
#include "server/core/core.hpp"
#include "server/core/frame_writer.hpp"
#include "server/core/pipeline.hpp"
#include "server/core/reads.hpp"
#include "server/core/reaper.hpp"
#include "session/credentials.hpp"
#include "session/expiry.hpp"
#include "wire/connect.hpp"
#include "wire/txns.hpp"
#include "znode/watches.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
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
};

struct Core::Impl {
    Impl(const Options& options, Recovered recovered);

    // --- inputs (core.cpp, requests.cpp) ---
    void on(const TimeIs& time, Outputs& out);
    void on(const ClientOpened& opened, Outputs& out);
    void on(const ClientFrame& frame, Outputs& out);
    void on(const ClientClosed& closed, Outputs& out);
    void on(const LogRecovered& recovered, Outputs& out);
    void on(const LogDurable& durable, Outputs& out);
    void on(const LogRoom& room, Outputs& out);
    void on(const ResetStatistics& reset, Outputs& out);

    // --- time, and what an applied transaction brings about (core.cpp) ---
    void start(Outputs& out);
    void expire_sessions(Outputs& out);
    void reap(Outputs& out);
    void applied(const wire::TxnHeader& header, ConnectionId asked, Outputs& out);
    [[nodiscard]] Zxid zxid_applied() const { return pipeline_.zxid_applied(); }

    // --- connections and sessions (handshake.cpp) ---
    void handshake(Client& client, std::string_view frame, Outputs& out);
    void open_session(Client& client, Outputs& out);
    void reattach(Client& client, const wire::ConnectRequest& request, Outputs& out);
    void greet(Client& client, Outputs& out);
    void refuse(Client& client, Outputs& out);
    void close(Client& client, Outputs& out);
    void close_owner(SessionId session, Outputs& out);
    [[nodiscard]] Client* find(ConnectionId connection);
    [[nodiscard]] bool touch(Client& client);

    // --- requests in their order (requests.cpp) ---
    void request(Client& client, std::string_view frame, Outputs& out);
    void authenticate(Client& client, Request& request, Outputs& out);
    void answer_unknown(Client& client, const Request& request, Outputs& out);
    void take(Client& client, const Request& request, Outputs& out);
    void submit_write(Client& client, const Request& request, Outputs& out);
    void refuse_write(Client& client, const Request& request, Outputs& out);
    void wait(Client& client, Waiting waiting, Outputs& out);
    void run_turns(Client& client, Outputs& out);
    void answer(Client& client, const Request& request, Outputs& out);
    void answer_write(Client& client, wire::OpCode type, Outputs& out);
    void release_syncs(Outputs& out);
    [[nodiscard]] bool too_many_in_flight() const;
    void resume_clients(Outputs& out);

    // --- frames out (replies.cpp) ---
    void notify_watchers(Outputs& out);
    void send_event(Client& client, wire::EventType type, std::string_view path, Outputs& out);
    void send_reply(Client& client, ReplyWriter& writer, const Answered& answered, Outputs& out);
    void send_header(Client& client, const Request& request, Zxid zxid, wire::ErrorCode error, Outputs& out);
    void send(Client& client, std::size_t begin, std::size_t size, Outputs& out);

    // --- state ---
    Options options_;
    Pipeline pipeline_;
    session::Expiry expiry_;
    std::optional<session::IdSource> session_ids_;  // from the start on: recovery says where ids go on
    session::Credentials credentials_;
    znode::Watches watches_;
    Reaper reaper_;

    Now now_;
    bool started_ = false;  // the first TimeIs has come: recovery is over
    Instant started_at_;

    std::unordered_map<ConnectionId, Client> clients_;
    std::unordered_map<SessionId, ConnectionId> owners_;
    std::multimap<Zxid, ConnectionId> syncs_;  // waiting for this zxid to be applied
    std::set<ConnectionId> paused_;
    std::size_t outstanding_ = 0;
    std::vector<ConnectionId> told_;  // scratch of notify_watchers

    Status status_;  // counters; the rest is filled in when asked
};

}  // namespace zabd::core
