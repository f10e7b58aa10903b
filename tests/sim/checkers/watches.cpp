#include "tests/sim/checkers/watches.hpp"

#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace zabd::sim {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

namespace {

std::string parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string text(EventType type, std::string_view path) {
    return fmt::format("event {} of {}", static_cast<int>(type), path);
}

}  // namespace

// --- at the core -----------------------------------------------------------------------------------------------------

/// Spends what the event spends; true if the connection is to be told.
bool WatchesChecker::fire(Connection& connection, const ModelEvent& event) {
    Kinds told_by = kData | kPersistent | kRecursive;
    if (event.type == EventType::kNodeDeleted) told_by = kData | kChild | kPersistent | kRecursive;
    if (event.type == EventType::kNodeChildrenChanged) told_by = kChild | kPersistent;
    bool told = false;
    if (const auto found = connection.watches.find(event.path); found != connection.watches.end()) {
        told = (found->second & told_by) != 0;
        found->second &= ~(told_by & (kData | kChild));
        if (found->second == 0) connection.watches.erase(found);
    }
    if (event.type == EventType::kNodeChildrenChanged) return told;
    for (auto above = event.path; above != "/" && !told;) {
        above = parent_of(above);
        const auto found = connection.watches.find(above);
        told = found != connection.watches.end() && (found->second & kRecursive) != 0;
    }
    return told;
}

void WatchesChecker::on_committed(const Committed& committed, const Model&) {
    for (const auto& event : committed.outcome.events) {
        for (auto& [id, connection] : connections_)
            if (fire(connection, event) && event.readable) connection.due.push_back({event.type, event.path});
    }
}

void WatchesChecker::on_event(ConnectionId id, Zxid zxid, const wire::WatcherEvent& event, const Asked* next,
                              const Model& model) {
    auto& connection = connections_[id];
    const bool catching_up = zxid == kZxidUnknown;
    if (catching_up && next && next->op == OpCode::kSetWatches2) evaluate(connection, *next, model);
    auto& due = catching_up ? connection.catching_up : connection.due;
    if (due.empty() || due.front() != Event{event.type, std::string(event.path)})
        violated("I-WATCH",
                 fmt::format("connection {} is told {}{}, due is {}", number(id), text(event.type, event.path),
                             catching_up ? " in catching up" : fmt::format(" at zxid {:#x}", zxid.value),
                             due.empty() ? "nothing" : text(due.front().type, due.front().path)));
    due.pop_front();
}

/// What setWatches has missed, and what goes on standing.
void WatchesChecker::evaluate(Connection& connection, const Asked& asked, const Model& model) {
    if (std::exchange(connection.evaluated, true)) return;
    const auto request = wire::decoded<wire::SetWatches2Request>(asked.body);
    ZABD_ASSERT(request.has_value());
    const auto seen = request->relative_zxid;
    const auto miss = [&](EventType type, std::string_view path) {
        connection.catching_up.push_back({type, std::string(path)});
    };
    const auto keep = [&](std::string_view path, Kinds kind) { connection.watches[std::string(path)] |= kind; };
    for (const auto path : request->data) {
        const auto* node = model.find(path);
        if (!node) {
            miss(EventType::kNodeDeleted, path);
        } else {
            node->stat.mzxid > seen ? miss(EventType::kNodeDataChanged, path) : keep(path, kData);
        }
    }
    for (const auto path : request->exist) model.find(path) ? miss(EventType::kNodeCreated, path) : keep(path, kData);
    for (const auto path : request->child) {
        const auto* node = model.find(path);
        if (!node) {
            miss(EventType::kNodeDeleted, path);
        } else {
            node->stat.pzxid > seen ? miss(EventType::kNodeChildrenChanged, path) : keep(path, kChild);
        }
    }
    for (const auto path : request->persistent) keep(path, kPersistent);
    for (const auto path : request->persistent_recursive) keep(path, kRecursive);
}

void WatchesChecker::on_reply(const Reply& reply, const Model& model) {
    auto& connection = connections_[reply.connection];
    if (reply.asked.op == OpCode::kSetWatches2) {
        evaluate(connection, reply.asked, model);
        connection.evaluated = false;
    }
    for (const auto* due : {&connection.due, &connection.catching_up})
        if (!due->empty())
            violated("I-WATCH", fmt::format("connection {} is answered xid {} before {}", number(reply.connection),
                                            reply.header.xid, text(due->front().type, due->front().path)));
    arm(connection, reply);
}

void WatchesChecker::arm(Connection& connection, const Reply& reply) {
    const auto op = reply.asked.op;
    const bool ok = reply.header.error == ErrorCode::kOk;
    if (op == OpCode::kAddWatch && ok) {
        const auto request = wire::decoded<wire::AddWatchRequest>(reply.asked.body);
        connection.watches[std::string(request->path)] |=
            request->mode == wire::AddWatchMode::kPersistent ? kPersistent : kRecursive;
        return;
    }
    const bool data = op == OpCode::kGetData || op == OpCode::kExists;
    const bool child = op == OpCode::kGetChildren || op == OpCode::kGetChildren2;
    if (!data && !child) return;
    const auto request = wire::decoded<wire::ReadRequest>(reply.asked.body);
    const bool missing = op == OpCode::kExists && reply.header.error == ErrorCode::kNoNode;
    if (request->watch && (ok || missing)) connection.watches[std::string(request->path)] |= data ? kData : kChild;
}

void WatchesChecker::on_batch_end(const BatchEnd&, const Model&) {
    for (const auto& [id, connection] : connections_)
        if (!connection.due.empty())
            violated("I-WATCH", fmt::format("connection {} is not told {}", number(id),
                                            text(connection.due.front().type, connection.due.front().path)));
}

// --- at the client ---------------------------------------------------------------------------------------------------

void ClientWatchesChecker::on_committed(const Committed& committed, const Model&) {
    for (const auto& event : committed.outcome.events)
        if (!event.readable) unreadable_.insert(event.path);
}

void ClientWatchesChecker::on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                                           std::string_view body) {
    auto& standing = clients_[client];
    if (!unreadable_.contains(sent.path)) check_shown(client, standing, sent, header, body);
    stand(standing, sent, header);
}

void ClientWatchesChecker::check_shown(ClientId client, const Standing& standing, const Sent& sent,
                                       const wire::ReplyHeader& header, std::string_view body) const {
    const auto since = [&](const auto& watches) {
        const auto found = watches.find(sent.path);
        return found == watches.end() ? std::nullopt : std::optional(found->second);
    };
    const auto shown = [&](std::string_view what) {
        violated("I-WATCH", fmt::format("client {} is shown by xid {} that {} {}, but its watch did not tell", client,
                                        header.xid, sent.path, what));
    };
    const bool gone = header.error == ErrorCode::kNoNode;
    const bool there = header.error == ErrorCode::kOk;
    std::optional<wire::Stat> stat;
    if (there && sent.op == OpCode::kExists) stat = wire::decoded<wire::StatReply>(body)->stat;
    if (there && sent.op == OpCode::kGetData) stat = wire::decoded<wire::DataReply>(body)->stat;
    if (stat || (gone && (sent.op == OpCode::kExists || sent.op == OpCode::kGetData))) {
        const auto data = since(standing.data);
        if (data && gone) shown("is gone");
        if (data && stat && stat->mzxid > *data) shown("has changed");
        if (since(standing.exist) && stat) shown("is there");
    }
    if (sent.op != OpCode::kGetChildren2) return;
    const auto child = since(standing.child);
    if (child && gone) shown("is gone");
    if (child && there && wire::decoded<wire::NamesStatReply>(body)->stat.pzxid > *child) shown("has other children");
}

void ClientWatchesChecker::stand(Standing& standing, const Sent& sent, const wire::ReplyHeader& header) {
    const bool ok = header.error == ErrorCode::kOk;
    const std::string path(sent.path);
    if (sent.op == OpCode::kAddWatch && ok) {
        const bool recursive = wire::decoded<wire::AddWatchRequest>(sent.body)->mode != wire::AddWatchMode::kPersistent;
        (recursive ? standing.recursive : standing.persistent).insert(path);
    }
    if (!sent.watches) return;
    if (sent.op == OpCode::kExists && header.error == ErrorCode::kNoNode) standing.exist.emplace(path, header.zxid);
    if (!ok) return;
    const bool child = sent.op == OpCode::kGetChildren || sent.op == OpCode::kGetChildren2;
    (child ? standing.child : standing.data).emplace(path, header.zxid);
}

void ClientWatchesChecker::on_client_event(ClientId client, const wire::WatcherEvent& event, bool catching_up) {
    auto& standing = clients_[client];
    const auto spend = [&](auto& watches) { return watches.erase(std::string(event.path)) > 0; };
    const bool children = event.type == EventType::kNodeChildrenChanged;
    bool asked_for = false;
    if (!children) asked_for |= spend(standing.data);
    if (!children) asked_for |= spend(standing.exist);
    if (children || event.type == EventType::kNodeDeleted) asked_for |= spend(standing.child);
    // What setWatches tells it tells of each watch: of a node that is gone twice, to who watched its data and children.
    if (catching_up && asked_for) standing.told_in_catching_up.insert(std::string(event.path));
    if (catching_up) asked_for |= standing.told_in_catching_up.contains(event.path);
    asked_for |= standing.persistent.contains(event.path);
    for (std::string above(event.path); !asked_for && !children; above = parent_of(above)) {
        asked_for = standing.recursive.contains(above);
        if (above == "/") break;
    }
    if (!asked_for && !unreadable_.contains(event.path))
        violated("I-WATCH",
                 fmt::format("client {} is told {}, and has no watch", client, text(event.type, event.path)));
}

void ClientWatchesChecker::on_quiet(const Model& model) {
    for (const auto& [client, standing] : clients_) {
        const auto check = [&, id = client](std::string_view kind, std::string_view path, Zxid since, Zxid changed) {
            if (changed <= since || unreadable_.contains(path)) return;
            violated("I-WATCH", fmt::format("client {} has a {} watch on {} since {:#x} that did not tell of {:#x}", id,
                                            kind, path, since.value, changed.value));
        };
        for (const auto& [path, since] : standing.data) {
            const auto* node = model.find(path);
            check("data", path, since, node ? node->stat.mzxid : kZxidUnknown);
        }
        for (const auto& [path, since] : standing.exist)
            if (const auto* node = model.find(path)) check("exist", path, Zxid{}, node->stat.czxid);
        for (const auto& [path, since] : standing.child) {
            const auto* node = model.find(path);
            check("child", path, since, node ? node->stat.pzxid : kZxidUnknown);
        }
    }
}

}  // namespace zabd::sim
