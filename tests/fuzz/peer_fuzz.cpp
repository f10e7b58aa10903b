// A member of an ensemble whose peers say anything: voters to its election, learners to the leader that it is, a leader to
// the learner that it is. With clients, a disk that answers when it likes, power cuts, and time that passes.
//
// Input     a byte says which server it is; then commands: a byte says which, what it needs follows. Some are what honest
//           peers do, so that the others meet it in every phase.
// Trusted   that a leader's transactions fit the state that they are applied to. So those that decode are here such that
//           always fit.
// Checked   the core's own invariants; what it says are packets, on links that are open; what it keeps can be started from;
//           and when everybody falls silent, it goes on looking for a leader.
#include "tests/fuzz/input.hpp"
#include "tests/unit/core/server.hpp"
#include "wire/assert.hpp"
#include "wire/election.hpp"
#include "wire/packet_splitter.hpp"
#include "wire/quorum.hpp"
#include "wire/snapshot_stream.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace zabd;
using wire::OpCode;
using wire::PacketType;
using wire::QuorumPacket;

constexpr std::size_t kCommandsMax = 300;
constexpr std::size_t kLinksMax = 4;
constexpr std::size_t kPacketBytesMax = 4096;
constexpr std::string_view kPaths[] = {"/a", "/a/b", "/", "/zookeeper/quota/a/zookeeper_limits"};
constexpr OpCode kForwarded[] = {OpCode::kCreateSession, OpCode::kCloseSession, OpCode::kCreate, OpCode::kSetData,
                                 OpCode::kSync,          OpCode::kReconfig,     OpCode::kMulti,  OpCode::kGetData};

core::Options options_of_test(ServerId self) {
    auto options = core::test::default_options();
    options.server = self;
    options.membership = zab::Membership({ServerId{1}, ServerId{2}, ServerId{3}}, {ServerId{4}});
    options.config_text = "server.1=one:2:3:participant\nversion=0";
    options.tick = Millis(100);
    options.init_limit = 5;
    options.sync_limit = 3;
    options.hold_max = Millis(300);
    options.session_timeout_min = Millis(200);
    options.session_timeout_max = Millis(8000);
    options.outstanding_max = 20;
    options.packet_bytes_max = kPacketBytesMax;
    options.window_bytes_max = 500;
    options.counter_max = 40;
    options.prepare.enforce_quota = true;
    return options;
}

// --- what peers say ---------------------------------------------------------------------------------------------------

std::string error_txn(SessionId session, Xid xid, Zxid zxid) {
    return wire::encoded(wire::TxnHeader{session, xid, zxid, 0, OpCode::kError}) +
           wire::encoded(wire::ErrorTxn{wire::ErrorCode::kNoNode});
}
std::string session_txn(SessionId session, Zxid zxid) {
    return wire::encoded(wire::TxnHeader{session, 0, zxid, 0, OpCode::kCreateSession}) +
           wire::encoded(wire::CreateSessionTxn{400});
}
std::string root_txn(Zxid zxid, std::string_view data) {
    return wire::encoded(wire::TxnHeader{SessionId::kNone, 0, zxid, 0, OpCode::kSetData}) +
           wire::encoded(wire::SetDataTxn{"/", data, 1});
}

/// A transaction that may not fit.
bool must_be_trusted(const QuorumPacket& packet) {
    if (packet.type != PacketType::kProposal && packet.type != PacketType::kInform) return false;
    wire::Decoder in(packet.data.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    if (in.failed() || header.type == OpCode::kError || !znode::decodes(header, in.rest())) return false;
    const auto set = wire::decoded<wire::SetDataTxn>(in.rest());
    return header.type != OpCode::kSetData || set->path != "/";
}
bool must_be_trusted(std::string_view stream) {
    wire::PacketSplitter packets(std::numeric_limits<std::int32_t>::max());
    packets.feed(stream);
    while (const auto packet = packets.next())
        if (must_be_trusted(*packet)) return true;
    return false;
}

SessionId take_session(fuzz::Input& input) {
    constexpr std::uint64_t kHigh[] = {0, 1, 2, 3, 0x80, 0xff};
    return SessionId{static_cast<std::int64_t>(kHigh[input.below(std::size(kHigh))] << 56 | input.below(4))};
}

std::string take_body(OpCode op, fuzz::Input& input) {
    const auto path = kPaths[input.below(std::size(kPaths))];
    switch (op) {
        case OpCode::kCreateSession: return wire::encoded(static_cast<std::int32_t>(input.number() * 10'000 - 10'000));
        case OpCode::kCreate:
            return wire::encoded(core::test::Server::create_request(path, wire::CreateMode(input.below(5)), "x"));
        case OpCode::kSetData: return wire::encoded(wire::SetDataRequest{path, input.short_text(), -1});
        default: return std::string(input.short_text());
    }
}

std::string take_snapshot(fuzz::Input& input) {
    std::string bytes;
    wire::SnapshotEncoder out(bytes);
    const auto sessions = input.below(3);
    out.begin_sessions(sessions);
    for (std::size_t i = 0; i < sessions; ++i)
        out.add(wire::SnapshotSession{take_session(input), static_cast<std::int32_t>(input.byte()) * 100});
    const auto acls = input.below(3);
    out.begin_acls(acls);
    for (std::size_t i = 0; i < acls; ++i)
        out.add(
            wire::SnapshotAcl{input.byte() % 4 - 1, wire::encoded(wire::AclList{{input.byte(), {"world", "anyone"}}})});
    const std::string_view paths[] = {"/", "/a", "/a/b", "/zookeeper", "/zookeeper/config", "", "a", "/a//b", "/c/"};
    out.add(wire::SnapshotNode{.path = "/", .acl = -1});
    for (auto nodes = input.below(6); nodes > 0; --nodes) {
        wire::SnapshotNode node{.path = std::string(paths[input.below(std::size(paths))])};
        node.data = Bytes::copy_of(input.short_text());
        node.acl = input.byte() % 4 - 1;
        node.creations = static_cast<std::int32_t>(input.number() * 0x10001);
        node.owner = input.below(2) == 0 ? 0 : static_cast<std::int64_t>(take_session(input));
        out.add(node);
    }
    out.end();
    return bytes;
}

// --- the member -------------------------------------------------------------------------------------------------------

class Member {
public:
    explicit Member(ServerId self)
        : self_(self),
          server_(std::make_unique<core::test::Server>(
              options_of_test(self), Now{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}}, hooks())) {
        server_->set_disk_syncs(false);
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    void command(fuzz::Input& input) {
        switch (input.byte() % 20) {
            case 0: elect(); break;
            case 1: follow(input); break;
            case 2: vote(input); break;
            case 3: open(input); break;
            case 4: close(input); break;
            case 5:
            case 6: say_packet(input); break;
            case 7: say_anything(input); break;
            case 8: say_snapshot(input); break;
            case 9:
            case 10:
            case 11: answer(input); break;
            case 12: propose(input); break;
            case 13: ask(input); break;
            case 14: answer_about_snapshots(input); break;
            case 15: pass(Millis(10 * input.byte())); break;
            case 16: server_->step(core::PeerCongested{any_link(input), input.below(2) == 0}); break;
            case 17: restart_or_trim(input); break;
            default: server_->sync_disk();
        }
        server_->core().check_invariants();
    }

    void end() {
        fall_silent();
        for (int i = 0; i < 100; ++i) rest();
        const auto told = votes_told_;
        for (int i = 0; i < 100; ++i) rest();
        ZABD_ASSERT(votes_told_ > told);
        ZABD_ASSERT(!server_->core().status().serving);
        server_->core().check_invariants();
    }

private:
    struct Link {
        bool dialled = false;
        std::string said;                     // by us, once it is no packets any more
        wire::PacketSplitter heard{1 << 24};  // from it
        std::deque<QuorumPacket> unanswered{};
        Zxid zxid_heard{};
        Zxid proposed{};       // by us
        bool greeted = false;  // FOLLOWERINFO, or UPTODATE, was said
    };

    // --- the election ---
    void tell(ServerId from, const wire::Notification& notification) {
        server_->step(core::ElectionFrame{from, wire::encoded_notification(notification)});
    }
    [[nodiscard]] std::vector<ServerId> others() const {
        std::vector<ServerId> voters{ServerId{1}, ServerId{2}, ServerId{3}};
        std::erase(voters, self_);
        return voters;
    }
    /// The others want us to lead.
    void elect() {
        for (int round = 0; round < 2; ++round) {
            auto vote = vote_told_;
            const bool nothing = vote.zxid == -1;
            for (const auto from : others()) {
                vote.leader = static_cast<std::int64_t>(nothing ? from : self_);
                if (!nothing && vote_told_.leader != vote.leader) vote.epoch = after(vote_told_.epoch);
                vote.state = wire::PeerState::kLooking;
                tell(from, vote);
            }
        }
    }
    /// The others follow one of them.
    void follow(fuzz::Input& input) {
        const auto voters = others();
        const auto leader = voters[input.below(voters.size())];
        auto vote = vote_told_;
        vote.leader = static_cast<std::int64_t>(leader);
        for (const auto from : voters) {
            vote.state = from == leader ? wire::PeerState::kLeading : wire::PeerState::kFollowing;
            tell(from, vote);
        }
    }
    void vote(fuzz::Input& input) {
        const ServerId from{static_cast<std::uint8_t>(input.below(6))};
        if (input.below(8) == 7) return server_->step(core::ElectionLink{from, input.below(2) == 0});
        if (input.below(8) == 7) return server_->step(core::ElectionFrame{from, input.short_text()});
        wire::Notification said{.state = wire::PeerState{static_cast<std::int32_t>(input.below(4))}};
        said.leader = input.byte() % 6;
        said.zxid = take_number(input, vote_told_.zxid);
        said.round = take_number(input, vote_told_.round);
        said.epoch = take_number(input, vote_told_.epoch);
        tell(from, said);
    }
    static std::int64_t after(std::int64_t number) {
        return number == std::numeric_limits<std::int64_t>::max() ? number : number + 1;
    }
    static std::int64_t take_number(fuzz::Input& input, std::int64_t known) {
        switch (input.below(6)) {
            case 0: return known;
            case 1: return after(known);
            case 2: return std::numeric_limits<std::int64_t>::max();
            case 3: return std::numeric_limits<std::int64_t>::min();
            case 4: return -1;
            default: return static_cast<std::int64_t>(input.number());
        }
    }

    // --- links ---
    LinkId any_link(fuzz::Input& input) {
        if (links_.empty()) return LinkId::kNone;
        return std::next(links_.begin(), static_cast<std::ptrdiff_t>(input.below(kLinksMax) % links_.size()))->first;
    }
    void open(fuzz::Input& input) {
        const bool dialled = std::exchange(dialling_, false);
        if (dialled && input.below(4) == 3) return server_->step(core::PeerUnreachable{});
        if (!dialled && links_.size() >= kLinksMax) return;
        const LinkId link{++links_last_};
        links_[link].dialled = dialled;
        server_->step(core::PeerOpened{link, dialled});
    }
    void close(fuzz::Input& input) { close(any_link(input)); }
    void close(LinkId link) {
        links_.erase(link);
        server_->step(core::PeerClosed{link});
    }
    void say(LinkId id, std::string_view bytes, bool packets) {
        auto& link = links_.at(id);
        if (link.dialled && (!packets || !link.said.empty())) {
            link.said += bytes;
            if (must_be_trusted(std::string_view(link.said))) return close(id);
        }
        server_->step(core::PeerBytes{id, bytes});
    }
    void say(LinkId link, const QuorumPacket& packet) {
        if (!links_.contains(link)) return;
        std::string bytes;
        wire::encode(bytes, packet);
        say(link, bytes, true);
    }

    // --- lies ---
    Zxid take_zxid(const Link& link, fuzz::Input& input) {
        const auto status = server_->core().status();
        switch (input.below(10)) {
            case 0: return link.zxid_heard;
            case 1: return Zxid::of(link.zxid_heard.epoch(), 0);
            case 2: return Zxid{link.zxid_heard.value + 1};
            case 3: return status.zxid_proposed;
            case 4: return Zxid{status.zxid_proposed.value + 1};
            case 5: return Zxid::of(status.zxid_proposed.epoch() + 1, 1);
            case 6: return status.zxid_applied;
            case 7: return link.proposed;
            case 8: return Zxid::of(input.below(2) == 0 ? input.byte() : 0x7ffffffeu + input.byte(), input.byte());
            default: return kZxidUnknown;
        }
    }
    void say_packet(fuzz::Input& input) {
        const auto id = any_link(input);
        if (id == LinkId::kNone) return;
        const auto& link = links_.at(id);
        constexpr auto kFirst = static_cast<std::int32_t>(PacketType::kRequest);
        const PacketType type{static_cast<std::int32_t>(kFirst + static_cast<std::int32_t>(input.below(19)))};
        const auto zxid = take_zxid(link, input);
        QuorumPacket packet{type, zxid, take_data(type, zxid, input)};
        if (type == PacketType::kRequest && input.below(4) == 3)
            packet.identities.emplace(1, wire::Id{"digest", "bob:hash"});
        if (must_be_trusted(packet)) return;
        say(id, packet);
    }
    Bytes take_data(PacketType type, Zxid zxid, fuzz::Input& input) {
        const bool shaped = input.below(4) != 3;
        if (!shaped) return input.below(2) == 0 ? Bytes() : Bytes::copy_of(input.short_text());
        std::string data;
        wire::Encoder out(data);
        switch (type) {
            case PacketType::kFollowerInfo:
            case PacketType::kObserverInfo: {
                const auto flags = input.byte();
                return encoded_info(wire::LearnerInfo{
                    .server = input.byte() % 8, .zabd = (flags & 1) != 0, .no_history = (flags & 2) != 0});
            }
            case PacketType::kLeaderInfo: {
                wire::LeaderInfo info;
                if (input.below(2) == 0) info.secret.emplace().fill(input.byte());
                return encoded_info(info);
            }
            case PacketType::kAckEpoch: out.put_int(static_cast<std::int32_t>(input.byte()) - 2); break;
            case PacketType::kPing:
            case PacketType::kRevalidate:
                wire::encode(out, wire::SessionTouch{take_session(input), input.byte() * 100 - 100});
                break;
            case PacketType::kRequest: {
                const auto op = kForwarded[input.below(std::size(kForwarded))];
                const auto session = take_session(input);
                return wire::encoded_request({session, input.byte(), op, take_body(op, input)});
            }
            case PacketType::kProposal:
            case PacketType::kInform:
                data = input.below(2) == 0 ? error_txn(take_session(input), input.byte(), zxid)
                                           : root_txn(zxid, input.short_text());
                break;
            default: break;
        }
        return Bytes::copy_of(data);
    }
    void say_anything(fuzz::Input& input) {
        const auto link = any_link(input);
        if (link != LinkId::kNone) say(link, input.text(), false);
    }
    /// Ours, or another, in pieces, perhaps with a wrong bit.
    void say_snapshot(fuzz::Input& input) {
        const auto id = any_link(input);
        if (id != LinkId::kNone) say_snapshot(id, take_zxid(links_.at(id), input), input);
    }
    void say_snapshot(LinkId id, Zxid zxid, fuzz::Input& input) {
        say(id, QuorumPacket{PacketType::kSnap, zxid, {}});
        auto bytes = input.below(2) == 0 ? server_->checkpoint().stream() : take_snapshot(input);
        const auto flips = input.byte();
        if (flips >= 128) bytes[input.number() % bytes.size()] ^= static_cast<char>(1 << flips % 8);
        const auto piece_bytes = 1 + input.number() % bytes.size();
        for (std::size_t at = 0; at < bytes.size() && links_.contains(id); at += piece_bytes)
            server_->step(core::PeerBytes{id, std::string_view(bytes).substr(at, piece_bytes)});
    }

    // --- what honest peers do ---
    void answer(fuzz::Input& input) {
        const auto id = any_link(input);
        if (id == LinkId::kNone) return;
        if (!links_.at(id).dialled && !std::exchange(links_.at(id).greeted, true)) return introduce(id);
        while (links_.contains(id) && !links_.at(id).unanswered.empty()) {
            auto& link = links_.at(id);
            const auto packet = std::move(link.unanswered.front());
            link.unanswered.pop_front();
            if (link.dialled) {
                lead(id, link, packet, input);
            } else {
                learn(id, packet);
            }
        }
    }
    void introduce(LinkId link) {
        const auto voters = others();
        const auto server = static_cast<std::int64_t>(voters[static_cast<std::size_t>(link) % voters.size()]);
        const wire::LearnerInfo info{.server = server, .zabd = static_cast<std::uint64_t>(link) % 3 != 0};
        say(link, QuorumPacket{PacketType::kFollowerInfo, {}, encoded_info(info)});
    }
    void learn(LinkId link, const QuorumPacket& heard) {
        switch (heard.type) {
            case PacketType::kLeaderInfo:
                return say(link,
                           QuorumPacket{PacketType::kAckEpoch, {}, Bytes::copy_of(wire::encoded(std::int32_t{0}))});
            case PacketType::kNewLeader:
            case PacketType::kProposal: return say(link, QuorumPacket{PacketType::kAck, heard.zxid, {}});
            case PacketType::kPing: return say(link, QuorumPacket{PacketType::kPing, heard.zxid, Bytes::copy_of("")});
            default: return;
        }
    }
    void lead(LinkId id, Link& link, const QuorumPacket& heard, fuzz::Input& input) {
        switch (heard.type) {
            case PacketType::kFollowerInfo:
            case PacketType::kObserverInfo: {
                const auto epoch = std::max(heard.zxid.epoch(), server_->core().status().zxid_proposed.epoch()) + 1;
                link.proposed = Zxid::of(epoch, 0);
                wire::LeaderInfo info;
                if (epoch % 3 != 0) info.secret.emplace();
                return say(id, QuorumPacket{PacketType::kLeaderInfo, link.proposed, encoded_info(info)});
            }
            case PacketType::kAckEpoch: {
                const auto epoch = link.proposed.epoch();
                if (input.below(2) == 0) {
                    say(id, QuorumPacket{PacketType::kDiff, heard.zxid, {}});
                } else {
                    say_snapshot(id, server_->core().status().zxid_proposed, input);
                }
                return say(id, QuorumPacket{PacketType::kNewLeader, Zxid::of(epoch, 0), {}});
            }
            case PacketType::kAck:
                if (heard.zxid.counter() != 0) return say(id, QuorumPacket{PacketType::kCommit, heard.zxid, {}});
                if (std::exchange(link.greeted, true)) return;
                return say(id, QuorumPacket{PacketType::kUpToDate, kZxidUnknown, {}});
            case PacketType::kRevalidate: {
                const auto touch = wire::decoded<wire::SessionTouch>(heard.data.view());
                const auto data = wire::encoded(wire::SessionValidity{touch->session, touch->timeout_ms % 3 == 0});
                return say(id, QuorumPacket{PacketType::kRevalidate, kZxidUnknown, Bytes::copy_of(data)});
            }
            case PacketType::kRequest: {
                const auto request = wire::decode_request(heard.data.view());
                if (request->op == OpCode::kSync) return say(id, QuorumPacket{PacketType::kSync, {}, {}});
                link.proposed.value++;
                // What is asked for once more may be in the history already.
                const bool opens = request->op == OpCode::kCreateSession && opened_.insert(request->session).second;
                const auto txn = opens ? session_txn(request->session, link.proposed)
                                       : error_txn(request->session, request->xid, link.proposed);
                return say(id, QuorumPacket{PacketType::kProposal, link.proposed, Bytes::copy_of(txn)});
            }
            default: return;
        }
    }
    void propose(fuzz::Input& input) {
        const auto id = any_link(input);
        if (id == LinkId::kNone || !links_.at(id).dialled) return;
        auto& proposed = links_.at(id).proposed;
        for (auto count = 1 + input.below(8); count > 0 && links_.contains(id); --count) {
            proposed.value++;
            const auto txn = Bytes::copy_of(root_txn(proposed, "of a leader"));
            say(id, QuorumPacket{count % 3 == 0 ? PacketType::kInform : PacketType::kProposal, proposed, txn});
        }
    }

    // --- clients ---
    void ask(fuzz::Input& input) {
        if (client_.connection == ConnectionId::kNone || server_->closed(client_) || input.below(8) == 7) {
            client_.connection = server_->open();
            wire::ConnectRequest request;
            request.timeout_ms = 400;
            if (input.below(2) == 0) request.read_only = false;
            return server_->send_connect(client_.connection, request);
        }
        constexpr OpCode kOperations[] = {OpCode::kCreate, OpCode::kSetData, OpCode::kSync,
                                          OpCode::kMulti,  OpCode::kGetData, OpCode::kCloseSession};
        const auto op = kOperations[input.below(std::size(kOperations))];
        const auto header = wire::encoded(wire::RequestHeader{++xid_last_, op});
        server_->send(client_.connection, header + take_body(op, input));
    }

    // --- disk and time ---
    void answer_about_snapshots(fuzz::Input& input) {
        auto& waiting = input.below(2) == 0 ? opening_ : streaming_;
        if (waiting.empty()) return;
        const auto link = waiting.front();
        waiting.pop_front();
        if (&waiting == &opening_) {
            server_->step(core::SnapshotOpened{link, server_->checkpoint().zxid()});
        } else {
            server_->step(core::SnapshotStreamed{link});
        }
    }
    void restart_or_trim(fuzz::Input& input) {
        if (input.below(2) == 0) return server_->begin_log_at(server_->checkpoint().zxid());
        links_.clear();
        opening_.clear();
        streaming_.clear();
        dialling_ = false;
        client_ = {};
        server_ = std::make_unique<core::test::Server>(*server_, server_->now(), hooks());
        server_->set_disk_syncs(false);
    }
    void pass(Millis time) { server_->advance(time); }

    // --- silence ---
    void fall_silent() {
        while (!links_.empty()) close(links_.begin()->first);
        opening_.clear();
        streaming_.clear();
    }
    void rest() {
        pass(Millis(100));
        server_->sync_disk();
        if (std::exchange(dialling_, false)) server_->step(core::PeerUnreachable{});
    }

    // --- what the core asks for ---
    core::test::Server::Hooks hooks() {
        return {[this](core::Output& output, const std::string& bytes) {
                    std::visit([&](const auto& asked) { carry_out(asked, bytes); }, output);
                },
                [] {}};
    }
    void carry_out(const core::DialLeader&, const std::string&) { dialling_ = true; }
    void carry_out(const core::SendToPeer& send, const std::string& bytes) {
        ZABD_ASSERT(send.begin + send.size <= bytes.size());
        auto& link = links_.at(send.link);
        link.heard.feed(std::string_view(bytes).substr(send.begin, send.size));
        while (auto packet = link.heard.next()) {
            link.zxid_heard = packet->zxid;
            link.unanswered.push_back(std::move(*packet));
        }
        ZABD_ASSERT(!link.heard.failed());
    }
    void carry_out(const core::ClosePeer& close, const std::string&) {
        const auto closed = links_.erase(close.link);
        ZABD_ASSERT(closed == 1);
    }
    void carry_out(const core::SendElection& send, const std::string& bytes) {
        ZABD_ASSERT(send.begin + send.size <= bytes.size());
        const auto vote = wire::decode_notification(std::string_view(bytes).substr(send.begin, send.size));
        ZABD_ASSERT(vote.has_value());
        vote_told_ = *vote;
        ++votes_told_;
    }
    void carry_out(const core::OpenSnapshot& open, const std::string&) { opening_.push_back(open.link); }
    void carry_out(const core::StreamSnapshot& stream, const std::string&) { streaming_.push_back(stream.link); }
    void carry_out(const auto&, const std::string&) { fatal("no other output is for peers"); }

    ServerId self_;
    std::map<LinkId, Link> links_;
    std::uint64_t links_last_ = 0;
    bool dialling_ = false;
    std::deque<LinkId> opening_;    // snapshots
    std::deque<LinkId> streaming_;  // snapshots
    wire::Notification vote_told_;  // last
    std::uint64_t votes_told_ = 0;
    core::test::Server::Session client_;
    Xid xid_last_ = 0;
    std::set<SessionId> opened_;  // by us as a leader
    std::unique_ptr<core::test::Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Member member(ServerId{static_cast<std::uint8_t>(1 + input.below(4))});
    for (std::size_t commands = 0; commands < kCommandsMax && !input.empty(); ++commands) member.command(input);
    member.end();
    return 0;
}
