// A server without shells: the core, a disk that syncs when told to, clients that speak bytes, and virtual time.
#pragma once

#include "server/core/core.hpp"
#include "wire/assert.hpp"
#include "wire/connect.hpp"
#include "wire/frame.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::core::test {

/// A frame that a client got, taken apart.
struct Received {
    wire::ReplyHeader header;
    std::string body;

    [[nodiscard]] bool is_event() const { return header.xid == wire::kXidWatchEvent; }
    template <class Record>
    [[nodiscard]] Record as() const {
        const auto record = wire::decoded<Record>(body);
        ZABD_ASSERT(record);
        return *record;
    }
};

inline Options default_options() {
    Options options;
    options.start = WallTime{1'700'000'000'000};
    options.prepare.extended_types = true;
    return options;
}

class Server {
public:
    explicit Server(Options options = default_options(), Recovered recovered = {})
        : options_(std::move(options)), core_(options_, std::move(recovered)) {
        if (log_.empty()) advance(Millis(0));
    }

    /// The same directory after a power cut: what was synced is recovered, from the first record on.
    [[nodiscard]] static Server recovered_from(const Server& other) {
        return Server(other.options_, other.log_durable());
    }

    // --- time and disk ---
    void advance(Millis by) {
        now_.monotonic += by;
        now_.wall = WallTime{static_cast<std::int64_t>(now_.wall) + by.count()};
        step(TimeIs{now_});
    }
    void sync_disk() {
        if (log_.size() == synced_) return;
        synced_ = log_.size();
        step(LogDurable{log_.back().zxid});
    }
    void set_log_room(std::uint64_t bytes) { step(LogRoom{bytes}); }
    /// While off, nothing becomes durable by itself.
    void set_disk_syncs(bool on) {
        disk_syncs_ = on;
        if (on) sync_disk();
    }

    // --- clients ---
    ConnectionId open(std::string_view address = "127.0.0.1") {
        const ConnectionId id{++connections_};
        step(ClientOpened{id, address, 4711});
        return id;
    }
    void send(ConnectionId id, std::string_view frame) { step(ClientFrame{id, frame}); }
    void disconnect(ConnectionId id) { step(ClientClosed{id}); }

    struct Session {
        ConnectionId connection{};
        SessionId id{};
        wire::Password password{};
        std::int32_t timeout_ms = 0;
    };
    Session connect(std::int32_t timeout_ms = 10'000) {
        wire::ConnectRequest request;
        request.timeout_ms = timeout_ms;
        request.password = std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        request.read_only = false;
        return connect(request);
    }
    Session connect(const wire::ConnectRequest& request) {
        const auto id = open();
        send_connect(id, request);
        const auto reply = connect_reply(id);
        if (!reply) return {id, {}, {}, 0};
        return {id, reply->session, reply->password, reply->timeout_ms};
    }
    Session reattach(const Session& session, Zxid seen = {}) {
        wire::ConnectRequest request;
        request.timeout_ms = session.timeout_ms;
        request.session = session.id;
        request.last_zxid_seen = seen;
        request.password = std::string_view(session.password.data(), session.password.size());
        request.read_only = false;
        return connect(request);
    }
    void send_connect(ConnectionId id, const wire::ConnectRequest& request) {
        std::string frame;
        wire::Encoder out(frame);
        wire::encode(out, request);
        send(id, frame);
    }
    std::optional<wire::ConnectReply> connect_reply(ConnectionId id) {
        auto& frames = inbox_[id];
        if (frames.empty()) return std::nullopt;
        const auto frame = frames.front();
        frames.pop_front();
        return wire::decode_connect_reply(frame);
    }

    template <class Record>
    void ask(const Session& session, Xid xid, wire::OpCode op, const Record& record) {
        send(session.connection, wire::encoded(wire::RequestHeader{xid, op}) + wire::encoded(record));
    }
    void ask(const Session& session, Xid xid, wire::OpCode op) {
        send(session.connection, wire::encoded(wire::RequestHeader{xid, op}));
    }
    /// The next frame; fails the test if there is none.
    Received next(const Session& session) {
        auto& frames = inbox_[session.connection];
        ZABD_ASSERT(!frames.empty());
        const auto frame = frames.front();
        frames.pop_front();
        wire::Decoder in(frame);
        Received received;
        wire::decode(in, received.header);
        ZABD_ASSERT(!in.failed());
        received.body = in.rest();
        return received;
    }
    [[nodiscard]] std::size_t pending(const Session& session) { return inbox_[session.connection].size(); }
    [[nodiscard]] bool closed(const Session& session) const { return closed_.contains(session.connection); }
    [[nodiscard]] bool paused(const Session& session) const {
        const auto found = paused_.find(session.connection);
        return found != paused_.end() && found->second;
    }

    // --- the usual requests, answered ---
    wire::ErrorCode create(const Session& session, std::string_view path, wire::CreateMode mode = {},
                           std::string_view data = "") {
        ask(session, 1, wire::OpCode::kCreate, create_request(path, mode, data));
        return next_reply(session).header.error;
    }
    static wire::CreateRequest create_request(std::string_view path, wire::CreateMode mode = {},
                                              std::string_view data = "") {
        return {path, data, wire::AclList{{wire::kAllPermissions, {"world", "anyone"}}}, mode};
    }
    /// Skips events.
    Received next_reply(const Session& session) {
        for (;;)
            if (auto received = next(session); !received.is_event()) return received;
    }
    std::optional<std::string> data_of(const Session& session, std::string_view path) {
        ask(session, 2, wire::OpCode::kGetData, wire::ReadRequest{path, false});
        const auto reply = next_reply(session);
        if (reply.header.error != wire::ErrorCode::kOk) return std::nullopt;
        return std::string(reply.as<wire::DataReply>().data.value_or(""));
    }

    [[nodiscard]] Core& core() { return core_; }
    [[nodiscard]] const std::vector<AppendToLog>& log() const { return log_; }
    [[nodiscard]] const std::vector<wire::StateImages>& checkpoints() const { return checkpoints_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    /// Every byte that left towards clients, in order.
    [[nodiscard]] const std::string& transcript() const { return transcript_; }

private:
    Server(Options options, const std::vector<AppendToLog>& log) : options_(std::move(options)), core_(options_, {}) {
        for (const auto& record : log) step(LogRecovered{record.zxid, record.txn});
        log_ = log;
        synced_ = log_.size();
        advance(Millis(0));
    }
    [[nodiscard]] std::vector<AppendToLog> log_durable() const {
        return {log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(synced_)};
    }

    void step(const Input& input) {
        Outputs out;
        core_.step(input, out);
        for (auto& item : out.items) std::visit([&](auto& output) { carry_out(output, out.bytes); }, item);
        if (disk_syncs_) sync_disk();
    }
    void carry_out(const SendToClient& send, const std::string& bytes) {
        const auto range = std::string_view(bytes).substr(send.begin, send.size);
        transcript_ += range;
        wire::FrameSplitter splitter(1 << 24);
        splitter.feed(range);
        while (const auto frame = splitter.next()) inbox_[send.connection].emplace_back(*frame);
    }
    void carry_out(const CloseClient& close, const std::string&) {
        closed_.insert(std::pair(close.connection, true));
        closing_.push_back(close.connection);
    }
    void carry_out(const PauseClient& pause, const std::string&) { paused_[pause.connection] = pause.paused; }
    void carry_out(AppendToLog& append, const std::string&) { log_.push_back(append); }
    void carry_out(PutCheckpoint& put, const std::string&) { checkpoints_.push_back(std::move(put.images)); }
    void carry_out(Event& event, const std::string&) { events_.push_back(event); }

    Options options_;
    Core core_;
    Now now_{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}};
    bool disk_syncs_ = true;
    std::uint64_t connections_ = 0;
    std::vector<AppendToLog> log_;
    std::size_t synced_ = 0;  // records of log_
    std::map<ConnectionId, std::deque<std::string>> inbox_;
    std::map<ConnectionId, bool> closed_;
    std::vector<ConnectionId> closing_;
    std::map<ConnectionId, bool> paused_;
    std::vector<wire::StateImages> checkpoints_;
    std::vector<Event> events_;
    std::string transcript_;
};

}  // namespace zabd::core::test
