// ZooKeeper's leader: what a learner lacks, and what all are told from there on.
#include "tests/sim/java_peer/java_leader.hpp"
#include "tests/sim/java_peer/java_peer.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/snapshot_stream.hpp"
#include "wire/txns.hpp"

#include <algorithm>
#include <utility>

namespace zabd::sim {

using wire::ErrorCode;
using wire::OpCode;
using wire::PacketType;

namespace {

constexpr Duration kCarryOut = milliseconds(1);
constexpr std::int64_t kWallBegin = 1'700'000'000'000;
constexpr std::int32_t kDigestVersion = 2;

}  // namespace

// --- synchronisation -------------------------------------------------------------------------------------------------

void JavaLeader::synchronise(Learner& learner) {
    const auto covered = queue_difference(learner);
    start_forwarding(learner, covered.value_or(peer_.tree().last));
    if (covered) return send_new_leader(learner);
    learner.phase = LearnerPhase::kStreaming;
    send(learner, {PacketType::kSnap, peer_.tree().last, {}});
    std::string begin;
    wire::SnapshotEncoder out(begin);
    const auto& tree = peer_.tree();
    out.begin_sessions(tree.sessions().size());
    for (const auto& [session, timeout_ms] : tree.sessions()) out.add(wire::SnapshotSession{session, timeout_ms});
    for (const auto& [path, node] : tree.nodes())
        if (!node.acl.empty()) learner.acls.try_emplace(node.acl, learner.acls.size() + 1);
    out.begin_acls(learner.acls.size());
    for (const auto& [list, id] : learner.acls) out.add(wire::SnapshotAcl{id, list});
    peer_.send_raw(learner.link, begin);
    learner.to_write.emplace(Zxid{}, "/");
    stream(learner.link);
}

void JavaLeader::stream(LinkId link) {
    peer_.after(peer_.options().node_time, [this, link] {
        auto* learner = find(link);
        if (!learner) return;
        std::string bytes;
        const bool done = learner->to_write.empty();
        if (done) {
            wire::SnapshotEncoder(bytes).end();
        } else {
            const auto path = learner->to_write.extract(learner->to_write.begin()).value().second;
            write_node(*learner, path, bytes);
        }
        peer_.send_raw(link, bytes);
        if (!done) return stream(link);
        send_new_leader(*learner);
        take_all(link);
    });
}

/// As it is now, if it still is; and it is now that its children are listed.
void JavaLeader::write_node(Learner& learner, const std::string& path, std::string& out) const {
    const auto& nodes = peer_.tree().nodes();
    const auto found = nodes.find(path);
    if (found == nodes.end()) return;
    const auto below = path == "/" ? path : path + "/";
    for (auto child = nodes.upper_bound(below); child != nodes.end() && child->first.starts_with(below); ++child)
        if (child->first.find('/', below.size()) == std::string::npos)
            learner.to_write.emplace(child->second.stat.czxid, child->first);
    const auto& node = found->second;
    // One that came after the lists were written has a number that stands for none of them.
    const auto fresh = static_cast<std::int64_t>(learner.acls.size()) + 1;
    const auto acl =
        node.acl.empty() ? wire::kOpenAclOfStream : learner.acls.try_emplace(node.acl, fresh).first->second;
    wire::SnapshotEncoder(out).add(wire::element_of(node.stat, path, node.data, acl));
}

std::optional<Zxid> JavaLeader::queue_difference(Learner& learner) {
    const auto& window = peer_.window();
    const auto applied = peer_.tree().last;
    const auto low = window.empty() ? applied : window.front().zxid;
    const auto high = window.empty() ? applied : window.back().zxid;
    const auto peer = learner.last;
    const bool new_epoch = peer.counter() == 0;
    if (peer == applied) {
        queue(learner, PacketType::kDiff, peer);
        return peer;
    }
    const bool has_nothing = peer == kZxidUnknown;  // -1, which is less than any
    if (peer > high && !new_epoch && !has_nothing) {
        queue(learner, PacketType::kTrunc, high);
        return high;
    }
    if (peer < low || peer > high) return std::nullopt;
    Zxid before{};
    bool opened = false;
    auto covered = peer;
    for (const auto& record : window) {
        if (record.zxid < peer) {
            before = record.zxid;
            continue;
        }
        if (!std::exchange(opened, true)) {
            const bool has_it = record.zxid == peer;
            if (has_it || new_epoch) {
                queue(learner, PacketType::kDiff, high);
                if (has_it) continue;
            } else if (record.zxid.epoch() != peer.epoch()) {
                return std::nullopt;
            } else {
                queue(learner, PacketType::kTrunc, before);
            }
        }
        queue(learner, PacketType::kProposal, record.zxid, record.txn);
        queue(learner, PacketType::kCommit, record.zxid);
        covered = record.zxid;
    }
    if (!opened && new_epoch) queue(learner, PacketType::kDiff, high), opened = true;
    return opened ? std::optional(covered) : std::nullopt;
}

void JavaLeader::start_forwarding(Learner& learner, Zxid covered) {
    learner.forwarded = true;
    for (const auto& record : to_be_applied_) {
        if (record.zxid <= covered) continue;
        queue(learner, PacketType::kProposal, record.zxid, record.txn);
        queue(learner, PacketType::kCommit, record.zxid);
    }
    if (!learner.votes) return;
    for (const auto& [zxid, proposal] : outstanding_)
        if (zxid > covered) queue(learner, PacketType::kProposal, zxid, proposal.record.txn);
}

void JavaLeader::send_new_leader(Learner& learner) {
    learner.phase = LearnerPhase::kAckNewLeader;
    queue(learner, PacketType::kNewLeader, Zxid::of(epoch_, 0), Bytes::copy_of(peer_.options().config_text));
    learner.sends = true;
    for (const auto& packet : std::exchange(learner.queue, {})) send(learner, packet);
}

// --- requests --------------------------------------------------------------------------------------------------------

void JavaLeader::take_request(Learner& learner, const wire::QuorumPacket& packet) {
    const auto request = wire::decode_request(packet.data.view());
    if (!request) return drop(learner.link, "a broken REQUEST");
    if (request->op == OpCode::kSync) return answer_sync(learner);
    prepare(&learner, *request, packet);
}

void JavaLeader::prepare(Learner* learner, const wire::ForwardedRequest& request, const wire::QuorumPacket& packet) {
    if (phase_ != Phase::kServing) return;
    const auto link = learner ? learner->link : LinkId::kNone;
    const auto wall = kWallBegin + std::chrono::duration_cast<std::chrono::milliseconds>(peer_.now()).count();
    const znode::WriteContext context{
        .session = request.session,
        .xid = request.xid,
        .zxid = Zxid{last_proposed_.value + 1},
        .time = WallTime{wall},
        .identities = packet.identities ? znode::Identities(*packet.identities) : znode::Identities()};
    std::string txn;
    if (request.op == OpCode::kCreateSession) {
        const auto timeout_ms = wire::Decoder(request.body).get_int();
        preparer_->prepare_create_session(timeout_ms, context, txn);
        sessions_.track(request.session, timeout_ms, peer_.now());
        sessions_.own(request.session, link);
    } else if (request.op == OpCode::kCloseSession) {
        preparer_->prepare_close_session(context, txn);
        sessions_.close(request.session);
    } else if (const auto refused = sessions_.check(request.session, link); refused != ErrorCode::kOk) {
        preparer_->prepare_error(refused, context, txn);
    } else {
        preparer_->prepare(request.op, request.body, context, txn);
    }
    wire::Decoder in(txn);
    wire::TxnHeader header;
    wire::decode(in, header);
    znode::Changes changes;
    ZABD_ASSERT(znode::apply(header, in.rest(), *ahead_, changes));
    preparer_->applied(header.zxid);
    if (header.type != OpCode::kError) {
        wire::Encoder out(txn);
        out.put_int(kDigestVersion);
        out.put_long(static_cast<std::int64_t>(ahead_->tree.digest()));
    }
    propose(txn);
}

void JavaLeader::propose(const std::string& txn) {
    last_proposed_ = Zxid{last_proposed_.value + 1};
    const zab::Record record{last_proposed_, Bytes::copy_of(txn)};
    outstanding_[record.zxid] = {.record = record};
    for (auto& [link, learner] : learners_)
        if (learner.forwarded && learner.votes) queue(learner, PacketType::kProposal, record.zxid, record.txn);
    peer_.append(record);
}

void JavaLeader::answer_sync(Learner& learner) {
    if (outstanding_.empty()) return queue(learner, PacketType::kSync, Zxid{});
    outstanding_.rbegin()->second.syncs.push_back(learner.link);
}

// --- acks ------------------------------------------------------------------------------------------------------------

void JavaLeader::count_ack(ServerId server, Zxid zxid) {
    if (phase_ != Phase::kServing || zxid.counter() == 0 || zxid <= last_committed_) return;
    const auto found = outstanding_.find(zxid);
    if (found == outstanding_.end()) return;
    found->second.acks.insert(server);
    if (outstanding_.contains(Zxid{zxid.value - 1})) return;
    if (found->second.acks.size() > peer_.options().voters.size() / 2) commit(zxid);
}

void JavaLeader::commit(Zxid zxid) {
    const auto proposal = std::move(outstanding_.at(zxid));
    outstanding_.erase(zxid);
    last_committed_ = zxid;
    to_be_applied_.push_back(proposal.record);
    for (auto& [link, learner] : learners_) {
        if (!learner.forwarded) continue;
        learner.votes ? queue(learner, PacketType::kCommit, zxid)
                      : queue(learner, PacketType::kInform, zxid, proposal.record.txn);
    }
    for (const auto link : proposal.syncs)
        if (auto* learner = find(link)) queue(*learner, PacketType::kSync, Zxid{});
    peer_.after(kCarryOut, [this] { carry_out_next(); });
}

void JavaLeader::carry_out_next() {
    const auto record = std::move(to_be_applied_.front());
    to_be_applied_.pop_front();
    peer_.apply(record);
    peer_.tell_committed();
    const auto header = wire::decoded<wire::TxnHeader>(record.txn.view());
    if (header->type == OpCode::kCloseSession) sessions_.forget(header->session);
}

}  // namespace zabd::sim
