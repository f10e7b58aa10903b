// A server from its core outwards: clients that send anything, a disk that syncs when it likes, time that passes or
// jumps, and power cuts. The way of all requests: decoding, preparing, applying, answering, expiry, recovery.
//
// Input     commands: a byte says which, what it needs follows. See Server::command().
// Checked   the core's own invariants; frames are whole, go to open connections, answer what was asked, in its order,
//           and tell of nothing that the disk could lose; a recovered server has the state that there was; and when
//           everybody falls silent, every session ends.
#include "server/core/core.hpp"
#include "server/restore.hpp"
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"
#include "wire/connect.hpp"
#include "wire/frame.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace zabd;
using core::AppendToLog;
using wire::OpCode;

constexpr std::size_t kFrameBytesMax = 1 << 20;
constexpr std::size_t kConnectionsMax = 4;
constexpr std::size_t kCommandsMax = 300;

constexpr std::string_view kPaths[] = {"/a",
                                       "/a/b",
                                       "/a/c",
                                       "/a/b/d",
                                       "/s-",
                                       "/",
                                       "/zookeeper/quota/a",
                                       "/zookeeper/quota/a/zookeeper_limits",
                                       "/zookeeper/quota/a/zookeeper_stats",
                                       "/zookeeper/config",
                                       "/zookeeper",
                                       "relative",
                                       ""};
constexpr OpCode kOperations[] = {OpCode::kCreate,        OpCode::kCreate2,
                                  OpCode::kDelete,        OpCode::kSetData,
                                  OpCode::kGetData,       OpCode::kExists,
                                  OpCode::kGetChildren,   OpCode::kGetChildren2,
                                  OpCode::kMulti,         OpCode::kMultiRead,
                                  OpCode::kSetAcl,        OpCode::kGetAcl,
                                  OpCode::kSync,          OpCode::kPing,
                                  OpCode::kCloseSession,  OpCode::kAddWatch,
                                  OpCode::kRemoveWatches, OpCode::kCheckWatches,
                                  OpCode::kSetWatches,    OpCode::kSetWatches2,
                                  OpCode::kCreateTtl,     OpCode::kCreateContainer,
                                  OpCode::kAuth,          OpCode::kSasl,
                                  OpCode::kGetEphemerals, OpCode::kWhoAmI,
                                  OpCode::kReconfig,      OpCode::kGetAllChildrenNumber,
                                  OpCode::kCheck,         OpCode::kDeleteContainer,
                                  OpCode::kNotification,  OpCode{999}};
constexpr OpCode kSubOperations[] = {OpCode::kCreate,  OpCode::kCreate2,   OpCode::kDelete,
                                     OpCode::kSetData, OpCode::kCheck,     OpCode::kCreateContainer,
                                     OpCode::kGetData, OpCode::kCreateTtl, OpCode::kGetChildren};

core::Options options_of_test() {
    core::Options options;
    options.session_timeout_max = Millis(8000);
    options.outstanding_max = 20;
    options.client_queue_bytes_max = 500;
    options.reap_interval = Millis(3000);
    options.reaps_per_minute_max = 100;
    options.never_used_container_max = Millis(10'000);
    options.super_digest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=";  // of super:secret
    options.prepare.extended_types = true;
    options.prepare.enforce_quota = true;
    options.counter_max = 40;
    return options;
}

// --- what clients send ------------------------------------------------------------------------------------------------

wire::AclList take_acl(fuzz::Input& input) {
    switch (input.below(4)) {
        case 0: return {{wire::kAllPermissions, {"auth", ""}}};
        case 1: return {{input.byte(), {"world", "anyone"}}};
        case 2: return {{wire::kRead, {"digest", "bob:hash"}}, {wire::kAllPermissions, {"ip", "127.0.0.1"}}};
        default: return {{wire::kAllPermissions, {"world", "anyone"}}};
    }
}

std::string_view take_path(fuzz::Input& input) { return kPaths[input.below(std::size(kPaths))]; }

std::string take_body(OpCode op, fuzz::Input& input);

std::string take_operations(fuzz::Input& input) {
    std::string body;
    for (auto count = input.below(4); count > 0; --count) {
        const auto op = kSubOperations[input.below(std::size(kSubOperations))];
        body += wire::encoded(wire::MultiHeader{op, false, wire::ErrorCode::kSystemError}) + take_body(op, input);
    }
    return body + wire::encoded(wire::kMultiEnd);
}

std::string take_body(OpCode op, fuzz::Input& input) {
    const auto path = take_path(input);
    const std::int32_t number = input.byte() - 1;
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer:
            return wire::encoded(wire::CreateRequest{path, input.short_text(), take_acl(input),
                                                     static_cast<wire::CreateMode>((number + 1) % 8)});
        case OpCode::kCreateTtl:
            return wire::encoded(wire::CreateTtlRequest{path, input.short_text(), take_acl(input),
                                                        static_cast<wire::CreateMode>(5 + number % 2), 100 * number});
        case OpCode::kDelete:
        case OpCode::kCheck: return wire::encoded(wire::VersionedRequest{path, number});
        case OpCode::kSetData: return wire::encoded(wire::SetDataRequest{path, input.short_text(), number});
        case OpCode::kSetAcl: return wire::encoded(wire::SetAclRequest{path, take_acl(input), number});
        case OpCode::kExists:
        case OpCode::kGetData:
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2: return wire::encoded(wire::ReadRequest{path, number % 2 == 0});
        case OpCode::kSync:
        case OpCode::kGetEphemerals: return wire::encoded(wire::NullablePathRequest{path});
        case OpCode::kMulti:
        case OpCode::kMultiRead: return take_operations(input);
        case OpCode::kAddWatch: return wire::encoded(wire::AddWatchRequest{path, wire::AddWatchMode(number % 3)});
        case OpCode::kRemoveWatches:
        case OpCode::kCheckWatches: return wire::encoded(wire::WatchesRequest{path, wire::WatcherType(number % 7)});
        case OpCode::kSetWatches: {
            const auto seen = static_cast<std::uint64_t>(number);
            return wire::encoded(wire::SetWatchesRequest{Zxid{seen}, {path}, {take_path(input)}, {take_path(input)}});
        }
        case OpCode::kSetWatches2: {
            const auto seen = static_cast<std::uint64_t>(number);
            return wire::encoded(wire::SetWatches2Request{
                Zxid{seen}, {path}, {take_path(input)}, {take_path(input)}, {take_path(input)}, {take_path(input)}});
        }
        case OpCode::kAuth: {
            const auto secret = input.below(2) == 0 ? std::string_view("super:secret") : input.short_text();
            return wire::encoded(wire::AuthRequest{0, input.below(8) == 7 ? "ip" : "digest", secret});
        }
        case OpCode::kReconfig: return wire::encoded(wire::ReconfigRequest{});
        case OpCode::kSasl: return wire::encoded(wire::SaslToken{input.short_text()});
        default: return wire::encoded(wire::PathRequest{path});
    }
}

// --- what a client expects --------------------------------------------------------------------------------------------

/// Answered at once, whatever waits before it; and so is an operation that there is not.
bool overtakes(OpCode op) { return op == OpCode::kPing || op == OpCode::kAuth || op == OpCode::kSasl; }

class Client {
public:
    explicit Client(ConnectionId id) : id_(id) {}

    [[nodiscard]] ConnectionId id() const { return id_; }
    [[nodiscard]] bool spoke() const { return spoke_; }
    [[nodiscard]] bool closed() const { return closed_; }
    void on_close() { closed_ = true; }

    Xid next_xid() { return ++xid_last_; }
    void on_sent(std::string_view frame) {
        if (!std::exchange(spoke_, true)) return;
        if (const auto header = wire::decoded<wire::RequestHeader>(frame)) asked_.push_back(*header);
    }

    /// The session that a frame has given to the client, if it does that.
    std::optional<wire::ConnectReply> on_frame(std::string_view frame, Zxid durable) {
        ZABD_ASSERT(!closed_);
        if (!std::exchange(greeted_, true)) {
            const auto reply = wire::decode_connect_reply(frame);
            ZABD_ASSERT(reply.has_value());
            return reply;
        }
        wire::Decoder in(frame);
        wire::ReplyHeader header;
        wire::decode(in, header);
        ZABD_ASSERT(!in.failed());
        if (header.xid == wire::kXidWatchEvent) {
            ZABD_ASSERT(wire::decoded<wire::WatcherEvent>(in.rest()).has_value());
        } else {
            on_reply(header, durable);
        }
        return std::nullopt;
    }

private:
    void on_reply(const wire::ReplyHeader& header, Zxid durable) {
        const auto answered = std::ranges::find_if(asked_, [&](const wire::RequestHeader& asked) {
            return asked.op == OpCode::kPing ? header.xid == wire::kXidPing : header.xid == asked.xid;
        });
        ZABD_ASSERT(answered != asked_.end());
        const bool unknown = header.zxid == kZxidUnknown && header.error == wire::ErrorCode::kUnimplemented;
        if (!unknown && !overtakes(answered->op)) {
            ZABD_ASSERT(answered == asked_.begin());
            ZABD_ASSERT(header.zxid <= durable);
            ZABD_ASSERT(header.zxid >= zxid_seen_);
            zxid_seen_ = header.zxid;
        }
        asked_.erase(answered);
    }

    ConnectionId id_;
    bool spoke_ = false;
    bool greeted_ = false;
    bool closed_ = false;
    Xid xid_last_ = 0;
    std::deque<wire::RequestHeader> asked_;  // and not answered
    Zxid zxid_seen_;
};

// --- what a disk keeps ------------------------------------------------------------------------------------------------

class Checkpoint {
public:
    void put(const wire::StateImages& images) {
        ZABD_ASSERT(images.zxid >= summary_.zxid);
        summary_.present = true;
        summary_.zxid = images.zxid;
        summary_.digest = images.digest;
        summary_.next_node = images.next_node;
        for (const auto& session : images.sessions) {
            summary_.highest_session = std::max(summary_.highest_session, session.session);
            put(sessions_, session.session, session, !session.timeout_ms);
        }
        for (const auto& acl : images.acls) put(acls_, acl.id, acl, !acl.encoded_list);
        for (auto node : images.nodes) {
            if (!node.data_changed && !node.deleted) node.data = nodes_.at(node.record.id).data;
            put(nodes_, node.record.id, node, node.deleted);
        }
    }
    [[nodiscard]] Zxid zxid() const { return summary_.zxid; }
    [[nodiscard]] core::Recovered recovered() const {
        server::Restorer restorer;
        const auto visitor = restorer.visitor();
        for (const auto& [id, session] : sessions_) ZABD_ASSERT(visitor.on_session(session));
        for (const auto& [id, acl] : acls_) ZABD_ASSERT(visitor.on_acl(acl));
        for (const auto& [id, node] : nodes_) ZABD_ASSERT(visitor.on_node(node.record, node.data));
        auto recovered = restorer.finish(summary_);
        ZABD_ASSERT(recovered.has_value());
        return std::move(*recovered);
    }

private:
    template <class Id, class Image>
    static void put(std::map<Id, Image>& images, Id id, const Image& image, bool gone) {
        if (gone) {
            images.erase(id);
        } else {
            images.insert_or_assign(id, image);
        }
    }

    storage::CheckpointSummary summary_;
    std::map<SessionId, wire::SessionImage> sessions_;
    std::map<wire::AclId, wire::AclImage> acls_;
    std::map<NodeId, wire::NodeImage> nodes_;
};

// --- the server -------------------------------------------------------------------------------------------------------

class Server {
public:
    Server() { start({}); }

    void command(fuzz::Input& input) {
        const auto what = input.byte() % 32;
        if (what < 16) {
            ask(input);
        } else if (what < 20) {
            connect(input);
        } else if (what < 22) {
            send_anything(input);
        } else if (what < 24) {
            disconnect(input.below(kConnectionsMax));
        } else if (what < 28) {
            sync(1 + input.below(8));
        } else if (what < 30) {
            pass(Millis(10 * input.byte()));
        } else if (what < 31) {
            pass(Millis(input.number()));
        } else {
            cut_power(input.below(2) == 0);
        }
        core_->check_invariants();
    }

    /// Everybody goes, and time passes, not in jumps: all sessions end.
    void end() {
        for (std::size_t i = 0; i < kConnectionsMax; ++i) disconnect(i);
        for (int seconds = 0; seconds < 16; ++seconds) {
            pass(Millis(1000));
            sync(log_.size());
        }
        const auto status = core_->status();
        ZABD_ASSERT(status.sessions == 0);
        ZABD_ASSERT(status.ephemerals == 0);
        ZABD_ASSERT(status.outstanding == 0);
        ZABD_ASSERT(core_->watches().connections == 0);
        core_->check_invariants();
    }

private:
    // --- commands ---
    Client& client(std::size_t index) {
        auto& client = clients_[index];
        if (!client) {
            client.emplace(static_cast<ConnectionId>(++connection_last_));
            step(core::ClientOpened{.connection = client->id(), .address = "127.0.0.1", .port = 4711});
        }
        return *client;
    }
    void send(Client& client, std::string_view frame) {
        client.on_sent(frame);
        step(core::ClientFrame{client.id(), frame});
    }
    void ask(fuzz::Input& input) {
        auto& asker = client(input.below(kConnectionsMax));
        if (!asker.spoke()) return greet(asker, {});
        const auto op = kOperations[input.below(std::size(kOperations))];
        const auto xid = asker.next_xid();
        send(asker, wire::encoded(wire::RequestHeader{xid, op}) + take_body(op, input));
    }
    void connect(fuzz::Input& input) {
        auto& newcomer = client(input.below(kConnectionsMax));
        wire::ConnectReply session;
        if (!sessions_.empty()) session = sessions_[input.below(sessions_.size())];
        const auto how = input.byte();
        if (how % 4 == 0) session = {};
        if (how == 255) session.password[15] ^= 1;
        greet(newcomer, session);
    }
    void greet(Client& newcomer, const wire::ConnectReply& session) {
        wire::ConnectRequest request;
        request.timeout_ms = session.timeout_ms;
        request.session = session.session;
        request.password = std::string_view(session.password.data(), session.password.size());
        std::string frame;
        wire::Encoder out(frame);
        wire::encode(out, request);
        send(newcomer, frame);
    }
    /// The xid is ours, so that the answer is known.
    void send_anything(fuzz::Input& input) {
        auto& sender = client(input.below(kConnectionsMax));
        std::string frame(input.text());
        const auto xid = wire::encoded(sender.next_xid());
        if (sender.spoke() && frame.size() >= xid.size()) frame.replace(0, xid.size(), xid);
        send(sender, frame);
    }
    void disconnect(std::size_t index) {
        if (!clients_[index]) return;
        const auto id = clients_[index]->id();
        clients_[index].reset();
        step(core::ClientClosed{id});
    }
    void sync(std::size_t records) {
        if (synced_ == log_.size()) return;
        synced_ = std::min(log_.size(), synced_ + records);
        step(core::LogDurable{log_[synced_ - 1].zxid});
    }
    void pass(Millis time) {
        now_.monotonic += time;
        now_.wall = WallTime{static_cast<std::int64_t>(now_.wall) + time.count()};
        step(core::TimeIs{now_});
    }
    void cut_power(bool keep_checkpoint) {
        log_.resize(synced_);
        clients_ = {};
        if (!keep_checkpoint) checkpoint_ = {};
        start(keep_checkpoint ? checkpoint_.recovered() : core::Recovered{});
    }

    // --- the core and what it asks for ---
    void start(core::Recovered recovered) {
        recovered.hard_state = hard_state_;
        core_.emplace(options_, std::move(recovered));
        const auto zxid = checkpoint_.zxid();
        for (const auto& record : log_) {
            if (record.zxid > zxid) step(core::LogRecovered{record.zxid, record.txn});
        }
        pass(Millis(0));
    }
    void step(const core::Input& input) {
        core::Outputs out;
        core_->step(input, out);
        for (const auto& item : out.items) std::visit([&](const auto& output) { carry_out(output, out.bytes); }, item);
        check_state();
    }
    /// The same history gives the same state.
    void check_state() {
        const auto status = core_->status();
        const State state{status.digest, status.approximate_bytes, status.nodes, status.ephemerals, status.sessions};
        ZABD_ASSERT(states_.emplace(status.zxid_applied, state).first->second == state);
        ZABD_ASSERT(status.zxid_applied <= zxid_durable());
    }
    [[nodiscard]] Zxid zxid_durable() const { return synced_ == 0 ? Zxid{} : log_[synced_ - 1].zxid; }
    Client* find(ConnectionId id) {
        const auto found = std::ranges::find_if(clients_, [&](const auto& c) { return c && c->id() == id; });
        return found == clients_.end() ? nullptr : &**found;
    }

    void carry_out(const core::SendToClient& send, std::string_view bytes) {
        auto* receiver = find(send.connection);
        ZABD_ASSERT(receiver != nullptr);
        ZABD_ASSERT(send.begin + send.size <= bytes.size());
        wire::FrameSplitter frames(kFrameBytesMax);
        frames.feed(bytes.substr(send.begin, send.size));
        while (const auto frame = frames.next()) {
            const auto reply = receiver->on_frame(*frame, zxid_durable());
            if (reply && reply->session != SessionId::kNone) sessions_.push_back(*reply);
        }
        ZABD_ASSERT(!frames.failed() && !frames.mid_frame());
    }
    void carry_out(const core::CloseClient& close, std::string_view) {
        auto* closed = find(close.connection);
        ZABD_ASSERT(closed != nullptr);
        ZABD_ASSERT(!closed->closed());
        closed->on_close();
    }
    void carry_out(const AppendToLog& append, std::string_view) {
        ZABD_ASSERT(log_.empty() || append.zxid > log_.back().zxid);
        log_.push_back(append);
    }
    void carry_out(const core::PutCheckpoint& put, std::string_view) {
        ZABD_ASSERT(put.images.zxid <= zxid_durable());
        checkpoint_.put(put.images);
    }
    void carry_out(const core::PauseClient& pause, std::string_view) { ZABD_ASSERT(find(pause.connection) != nullptr); }
    void carry_out(const core::Event&, std::string_view) {}
    void carry_out(const core::SaveHardState& save, std::string_view) {
        hard_state_ = save.state;
        step(core::HardStateSaved{});
    }
    void carry_out(const auto&, std::string_view) { fatal("a server alone has no peers"); }

    struct State {
        std::uint64_t digest, bytes;
        std::size_t nodes, ephemerals, sessions;
        bool operator==(const State&) const = default;
    };

    const core::Options options_ = options_of_test();
    std::optional<core::Core> core_;
    Now now_{Instant(Millis(1'000'000)), WallTime{1'000'000}};
    std::array<std::optional<Client>, kConnectionsMax> clients_;
    std::uint64_t connection_last_ = 0;
    std::vector<wire::ConnectReply> sessions_;  // that were ever given
    std::vector<AppendToLog> log_;
    std::size_t synced_ = 0;  // records of log_
    zab::HardState hard_state_;
    Checkpoint checkpoint_;
    std::map<Zxid, State> states_;  // by what had been applied
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Server server;
    for (std::size_t commands = 0; commands < kCommandsMax && !input.empty(); ++commands) server.command(input);
    server.end();
    return 0;
}
