#include "tests/sim/scenario/describe.hpp"

#include "wire/jute.hpp"
#include "wire/txns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

namespace zabd::sim::scenario {

using wire::ErrorCode;
using wire::OpCode;
using wire::PacketType;

namespace {

constexpr std::array<std::pair<PacketType, std::string_view>, 19> kPackets{{
    {PacketType::kRequest, "REQUEST"},
    {PacketType::kProposal, "PROPOSAL"},
    {PacketType::kAck, "ACK"},
    {PacketType::kCommit, "COMMIT"},
    {PacketType::kPing, "PING"},
    {PacketType::kRevalidate, "REVALIDATE"},
    {PacketType::kSync, "SYNC"},
    {PacketType::kInform, "INFORM"},
    {PacketType::kCommitAndActivate, "COMMITANDACTIVATE"},
    {PacketType::kNewLeader, "NEWLEADER"},
    {PacketType::kFollowerInfo, "FOLLOWERINFO"},
    {PacketType::kUpToDate, "UPTODATE"},
    {PacketType::kDiff, "DIFF"},
    {PacketType::kTrunc, "TRUNC"},
    {PacketType::kSnap, "SNAP"},
    {PacketType::kObserverInfo, "OBSERVERINFO"},
    {PacketType::kLeaderInfo, "LEADERINFO"},
    {PacketType::kAckEpoch, "ACKEPOCH"},
    {PacketType::kInformAndActivate, "INFORMANDACTIVATE"},
}};

std::string_view short_name_of(OpCode op) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2: return "create";
        case OpCode::kDelete: return "delete";
        case OpCode::kSetData: return "set";
        case OpCode::kSync: return "sync";
        case OpCode::kMulti: return "multi";
        case OpCode::kCheck: return "check";
        case OpCode::kCreateSession: return "createSession";
        case OpCode::kCloseSession: return "closeSession";
        case OpCode::kError: return "error";
        default: return "?";
    }
}

std::string text_of_body(OpCode op, std::string_view body);

std::string text_of_multi(std::string_view body) {
    const auto txn = wire::decoded<wire::MultiTxn>(body);
    std::vector<std::string> parts;
    for (const auto& one : txn->operations) parts.push_back(text_of_body(one.type, one.body));
    return fmt::format("multi ({})", fmt::join(parts, "; "));
}

std::string quoted(const wire::NullableBuffer& data) {
    const auto text = data.value_or(std::string_view());
    return text.size() > 20 ? fmt::format("{} bytes", text.size()) : fmt::format("\"{}\"", text);
}

/// What is told of it begins with the path in every form.
std::string text_of_body(OpCode op, std::string_view body) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2: {
            const auto txn = wire::decoded<wire::CreateTxn>(body);
            return fmt::format("create {} {}{}", txn->path, quoted(txn->data), txn->ephemeral ? " ephemeral" : "");
        }
        case OpCode::kSetData: {
            const auto txn = wire::decoded<wire::SetDataTxn>(body);
            return fmt::format("set {} {}", txn->path, quoted(txn->data));
        }
        case OpCode::kMulti: return text_of_multi(body);
        case OpCode::kCloseSession: {
            const auto txn = wire::decoded<wire::CloseSessionTxn>(body);
            if (txn->ephemerals.empty()) return "closeSession";
            return fmt::format("closeSession with {}", fmt::join(txn->ephemerals, " "));
        }
        case OpCode::kError: {
            const auto txn = wire::decoded<wire::ErrorTxn>(body);
            return txn->error == ErrorCode::kOk ? "nothing" : "error " + text_of(txn->error);
        }
        case OpCode::kDelete:
        case OpCode::kCheck: return fmt::format("{} {}", short_name_of(op), wire::decoded<wire::DeleteTxn>(body)->path);
        default: return std::string(short_name_of(op));
    }
}

std::string text_of_request(const wire::QuorumPacket& packet, const Names& names) {
    const auto request = wire::decode_request(packet.data.view());
    if (!request) return "?";
    const bool about_session = request->op == OpCode::kCreateSession || request->op == OpCode::kCloseSession;
    std::string path;
    if (!about_session && request->op != OpCode::kMulti)
        path = " " + std::string(wire::decoded<wire::NullablePathRequest>(request->body)->path.value_or(""));
    return fmt::format("{}{} of {}", short_name_of(request->op), path, text_of(request->session, names));
}

std::string text_of_epoch(Zxid zxid) { return fmt::format("epoch {}", zxid.epoch()); }

/// One word for each operation.
std::string text_of_results(std::string_view body) {
    std::vector<std::string> results;
    wire::Decoder in(body);
    for (;;) {
        wire::MultiHeader header;
        wire::decode(in, header);
        if (header.done || in.failed()) break;
        wire::PathReply path;
        wire::StatReply stat;
        wire::ErrorReply error;
        if (header.op == OpCode::kCreate) wire::decode(in, path);
        if (header.op == OpCode::kSetData) wire::decode(in, stat);
        if (header.op == OpCode::kError) wire::decode(in, error);
        results.push_back(header.op == OpCode::kError ? text_of(error.error) : std::string(path.path.value_or("ok")));
    }
    return fmt::format("({})", fmt::join(results, ", "));
}

}  // namespace

std::string text_of(Zxid zxid) {
    if (zxid == kZxidUnknown) return "-";
    return fmt::format("{}:{}", zxid.epoch(), zxid.counter());
}

std::string text_of(ErrorCode error) {
    switch (error) {
        case ErrorCode::kOk: return "ok";
        case ErrorCode::kNoNode: return "NoNode";
        case ErrorCode::kBadVersion: return "BadVersion";
        case ErrorCode::kNodeExists: return "NodeExists";
        case ErrorCode::kNotEmpty: return "NotEmpty";
        case ErrorCode::kSessionExpired: return "SessionExpired";
        case ErrorCode::kSessionMoved: return "SessionMoved";
        case ErrorCode::kRuntimeInconsistency: return "RuntimeInconsistency";
        case ErrorCode::kNoChildrenForEphemerals: return "NoChildrenForEphemerals";
        default: return fmt::format("error {}", static_cast<int>(error));
    }
}

std::string text_of(SessionId session, const Names& names) {
    const auto found = names.find(session);
    return found == names.end() ? "a session that nobody was told of" : found->second;
}

std::string text_of_txn(std::string_view txn, const Names& names) {
    wire::Decoder in(txn);
    wire::TxnHeader header;
    wire::decode(in, header);
    auto text = text_of_body(header.type, in.rest());
    if (header.type == OpCode::kCreateSession || header.type == OpCode::kCloseSession)
        text += " of " + text_of(header.session, names);
    return text;
}

std::string_view name_of(PacketType type) {
    for (const auto& [known, name] : kPackets)
        if (known == type) return name;
    return "?";
}

std::string text_of(const wire::QuorumPacket& packet, const Names& names) {
    const auto with = [&](const std::string& what) { return fmt::format("{} {}", name_of(packet.type), what); };
    const auto data = packet.data.view();
    switch (packet.type) {
        case PacketType::kRequest: return with(text_of_request(packet, names));
        case PacketType::kProposal:
        case PacketType::kInform: return with(text_of(packet.zxid) + "  " + text_of_txn(data, names));
        case PacketType::kFollowerInfo:
        case PacketType::kObserverInfo: {
            const auto info = wire::decode_learner_info(data);
            return with(text_of_epoch(packet.zxid) + (info && info->no_history ? ", has no history" : ""));
        }
        case PacketType::kLeaderInfo: return with(text_of_epoch(packet.zxid));
        case PacketType::kAckEpoch: {
            const auto current = wire::Decoder(data).get_int();
            const auto epoch = current == -1 ? "accepted already" : fmt::format("epoch {}", current);
            return with(fmt::format("{}, log ends at {}", epoch, text_of(packet.zxid)));
        }
        case PacketType::kUpToDate:
        case PacketType::kPing:
        case PacketType::kSync: return std::string(name_of(packet.type));
        case PacketType::kRevalidate: {
            if (const auto touch = wire::decoded<wire::SessionTouch>(data))
                return with(text_of(touch->session, names) + "?");
            const auto answer = wire::decoded<wire::SessionValidity>(data).value_or(wire::SessionValidity{});
            return with(text_of(answer.session, names) + (answer.valid ? ": valid" : ": not valid"));
        }
        default: return with(text_of(packet.zxid));
    }
}

std::string text_of(const wire::WatcherEvent& event) {
    switch (event.type) {
        case wire::EventType::kNodeCreated: return fmt::format("{} is created", event.path);
        case wire::EventType::kNodeDeleted: return fmt::format("{} is deleted", event.path);
        case wire::EventType::kNodeDataChanged: return fmt::format("{} has new data", event.path);
        case wire::EventType::kNodeChildrenChanged: return fmt::format("{} has other children", event.path);
    }
    return "?";
}

std::string text_of_reply(const ClientRequest& asked, std::string_view body) {
    switch (asked.op) {
        case OpCode::kCreate: return std::string(wire::decoded<wire::PathReply>(body)->path.value_or(""));
        case OpCode::kGetData: {
            const auto reply = wire::decoded<wire::DataReply>(body);
            return fmt::format("{} version {}", quoted(reply->data), reply->stat.version);
        }
        case OpCode::kExists:
        case OpCode::kSetData: return fmt::format("version {}", wire::decoded<wire::StatReply>(body)->stat.version);
        case OpCode::kGetChildren:
            return fmt::format("[{}]", fmt::join(wire::decoded<wire::NamesReply>(body)->names, " "));
        case OpCode::kMulti: return text_of_results(body);
        default: return "ok";
    }
}

}  // namespace zabd::sim::scenario
