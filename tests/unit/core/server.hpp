// A server without shells: the core, a disk that syncs when told to, clients that speak bytes, and virtual time.
#pragma once

#include "server/core/core.hpp"
#include "tests/unit/core/checkpoint_model.hpp"
#include "wire/assert.hpp"
#include "wire/connect.hpp"
#include "wire/frame.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
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
    explicit Server(Options options = default_options()) : options_(std::move(options)), core_(options_, {}) {
        advance(Millis(0));
    }
    /// A member of an ensemble: `elsewhere` is given what it asks of peers, `stepped` is called behind every step.
    struct Hooks {
        std::function<void(Output& output, const std::string& bytes)> elsewhere;
        std::function<void()> stepped;
    };
    Server(Options options, Now now, Hooks hooks)
        : options_(std::move(options)), hooks_(std::move(hooks)), core_(options_, {}), now_(now) {
        advance(Millis(0));
    }

    /// The same directory after a power cut: what was synced is recovered, from the first record on.
    [[nodiscard]] static Server recovered_from(const Server& other) { return Server(other, other.now_, {}); }
    /// Later, with its checkpoint.
    Server(const Server& other, Now now, Hooks hooks)
        : options_(other.options_), hooks_(std::move(hooks)), core_(options_, other.recovered()), now_(now) {
        log_ = other.log_durable();
        synced_ = log_.size();
        hard_state_ = other.hard_state_;
        checkpoint_ = hooks_.stepped ? other.checkpoint_ : CheckpointModel();
        log_begin_ = other.log_begin_;
        for (const auto& record : log_)
            if (record.zxid > checkpoint_.zxid()) step(LogRecovered{record.zxid, record.txn});
        advance(Millis(0));
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // --- time and disk ---
    void advance(Millis by) {
        now_.monotonic += by;
        now_.wall = WallTime{static_cast<std::int64_t>(now_.wall) + by.count()};
        step(TimeIs{now_});
    }
    /// Everything that was asked of the disk so far is done.
    void sync_disk() {
        auto left = owed_.size();
        while (left-- > 0 && !owed_.empty()) {
            const auto done = std::move(owed_.front());
            owed_.pop_front();
            if (const auto* durable = std::get_if<LogDurable>(&done)) {
                if (left > 0 && std::holds_alternative<LogDurable>(owed_.front())) continue;
                synced_ = log_.size();
                while (synced_ > 0 && log_[synced_ - 1].zxid > durable->up_to) --synced_;
            }
            step(done);
        }
    }
    /// The log lets go of all but what lies behind `after`.
    void begin_log_at(Zxid after) {
        const auto kept = std::ranges::find_if(log_, [&](const auto& record) { return record.zxid > after; });
        synced_ -= static_cast<std::size_t>(kept - log_.begin());
        log_.erase(log_.begin(), kept);
        log_begin_ = after;
        step(LogBegins{after});
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
    [[nodiscard]] Now now() const { return now_; }
    [[nodiscard]] const CheckpointModel& checkpoint() const { return checkpoint_; }
    void step(const Input& input) {
        Outputs out;
        core_.step(input, out);
        for (auto& item : out.items) std::visit([&](auto& output) { carry_out(output, out.bytes); }, item);
        if (disk_syncs_ && !owed_.empty()) sync_disk();
        if (hooks_.stepped) hooks_.stepped();
    }
    /// As often as the core sent such an event.
    [[nodiscard]] std::size_t count(Event::Kind kind, std::string_view detail) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            events_, [&](const Event& event) { return event.kind == kind && event.detail.starts_with(detail); }));
    }
    [[nodiscard]] const std::vector<AppendToLog>& log() const { return log_; }
    [[nodiscard]] const std::vector<wire::StateImages>& checkpoints() const { return checkpoints_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    [[nodiscard]] const std::vector<Audited>& audited() const { return audited_; }
    /// Every byte that left towards clients, in order.
    [[nodiscard]] const std::string& transcript() const { return transcript_; }

private:
    [[nodiscard]] std::vector<AppendToLog> log_durable() const {
        return {log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(synced_)};
    }
    [[nodiscard]] Recovered recovered() const {
        auto recovered = hooks_.stepped ? checkpoint_.recovered() : Recovered{};
        recovered.hard_state = hard_state_;
        recovered.log_begin = log_begin_;
        for (std::size_t i = 1; i < synced_ && log_[i].zxid <= recovered.zxid; ++i) {
            const auto before = log_[i - 1].zxid;
            if (before.epoch() != log_[i].zxid.epoch()) recovered.epoch_ends.push_back(before);
        }
        return recovered;
    }

    void carry_out(SendToClient& send, const std::string& bytes) {
        const auto range = std::string_view(bytes).substr(send.begin, send.size);
        transcript_ += range;
        wire::FrameSplitter splitter(1 << 24);
        splitter.feed(range);
        while (const auto frame = splitter.next()) inbox_[send.connection].emplace_back(*frame);
    }
    void carry_out(CloseClient& close, const std::string&) {
        closed_.insert(std::pair(close.connection, true));
        closing_.push_back(close.connection);
    }
    void carry_out(PauseClient& pause, const std::string&) { paused_[pause.connection] = pause.paused; }
    void carry_out(AppendToLog& append, const std::string&) {
        log_.push_back(append);
        owed_.emplace_back(LogDurable{append.zxid});
    }
    void carry_out(TruncateLog& truncate, const std::string&) {
        std::erase_if(log_, [&](const auto& record) { return record.zxid > truncate.up_to; });
        synced_ = std::min(synced_, log_.size());
        owed_.emplace_back(LogTruncated{truncate.up_to});
    }
    void carry_out(ReadLog& read, const std::string&) {
        LogRead answer{read.tag, {}};
        for (const auto& record : log_)
            if (record.zxid > read.after) answer.records.push_back({record.zxid, record.txn});
        owed_.emplace_back(std::move(answer));
    }
    void carry_out(SaveHardState& save, const std::string&) {
        hard_state_ = save.state;
        owed_.emplace_back(HardStateSaved{});
    }
    void carry_out(PutCheckpoint& put, const std::string&) {
        checkpoint_.put(put.images);
        checkpoints_.push_back(std::move(put.images));
    }
    void carry_out(PutInstall& put, const std::string&) {
        if (put.begins) installing_ = {};
        installing_.put(put.images);
    }
    void carry_out(FinishInstall& finish, const std::string&) {
        ZABD_ASSERT(installing_.zxid() == finish.zxid);
        checkpoint_ = std::exchange(installing_, {});
        log_.clear();
        synced_ = 0;
        log_begin_ = finish.zxid;
        owed_.emplace_back(SnapshotInstalled{finish.zxid});
    }
    void carry_out(DropInstall&, const std::string&) { installing_ = {}; }
    void carry_out(Event& event, const std::string&) { events_.push_back(event); }
    void carry_out(Audited& audited, const std::string&) { audited_.push_back(audited); }
    template <class Other>
    void carry_out(Other& other, const std::string& bytes) {
        ZABD_ASSERT(hooks_.elsewhere);
        Output output(std::move(other));
        hooks_.elsewhere(output, bytes);
    }

    Options options_;
    Hooks hooks_;
    Core core_;
    Now now_{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}};
    bool disk_syncs_ = true;
    std::uint64_t connections_ = 0;
    std::vector<AppendToLog> log_;
    std::size_t synced_ = 0;  // records of log_
    Zxid log_begin_;
    zab::HardState hard_state_;
    CheckpointModel checkpoint_;
    CheckpointModel installing_;
    std::deque<Input> owed_;  // by the disk, in order
    std::map<ConnectionId, std::deque<std::string>> inbox_;
    std::map<ConnectionId, bool> closed_;
    std::vector<ConnectionId> closing_;
    std::map<ConnectionId, bool> paused_;
    std::vector<wire::StateImages> checkpoints_;
    std::vector<Event> events_;
    std::vector<Audited> audited_;
    std::string transcript_;
};

}  // namespace zabd::core::test
