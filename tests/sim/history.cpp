#include "tests/sim/history.hpp"

#include "tests/sim/checkers/checker.hpp"
#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace zabd::sim {

using wire::OpCode;

namespace {

constexpr std::size_t kBetweenModels = 100;

std::string_view body_of(const Bytes& txn) {
    wire::Decoder in(txn.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    return in.rest();
}

wire::ErrorCode error_of(const Bytes& txn) {
    wire::Decoder in(body_of(txn));
    return static_cast<wire::ErrorCode>(in.get_int());
}

}  // namespace

void History::asked(SessionId session, Xid xid, Request request) {
    requests_.try_emplace({session, xid}, std::move(request));
}

History::Appended History::append(ServerId server, Zxid zxid, const Bytes& txn) {
    const auto found = records_.find(zxid);
    if (found != records_.end()) {
        if (found->second.txn.view() != txn.view())
            violated("I-PREFIX", fmt::format("server {} logs another transaction as {:#x} than server {} proposed",
                                             number(server), zxid.value, number(found->second.proposer)));
        return {found->second, false};
    }
    const auto header = wire::decoded<wire::TxnHeader>(txn.view());
    if (!header || header->zxid != zxid)
        violated("I-PREFIX", fmt::format("server {} logs {:#x} with another zxid in it", number(server), zxid.value));
    auto& record = records_[zxid] = {
        .header = *header, .txn = txn, .request = nullptr, .proposer = server, .refusable = room_limited[server]};
    const auto request = requests_.find({header->session, header->xid});
    if (request != requests_.end()) record.request = &request->second;
    return {record, true};
}

std::optional<Zxid> History::behind(Zxid zxid) const {
    const auto next = committed_.upper_bound(zxid);
    return next == committed_.end() ? std::nullopt : std::optional(next->first);
}

bool History::commit(ServerId server, Zxid before, Zxid zxid) {
    if (const auto next = behind(before)) {
        if (*next != zxid)
            violated("I-PREFIX", fmt::format("server {} applies {:#x} behind {:#x}, where {:#x} was committed",
                                             number(server), zxid.value, before.value, next->value));
        return false;
    }
    if (!follows(before, zxid))
        violated("I-CONT",
                 fmt::format("server {} applies {:#x} behind {:#x}", number(server), zxid.value, before.value));
    auto& record = records_.at(zxid);
    if (record.request) {
        if (record.request->committed != Zxid{})
            violated("I-FIFO",
                     fmt::format("xid {} of session {:#x} is carried out as {:#x}, and was as {:#x}", record.header.xid,
                                 number(record.header.session), zxid.value, record.request->committed.value));
        record.request->committed = zxid;
    }
    committed_[zxid];
    const auto& header = record.header;
    if (header.type == OpCode::kCreateSession && !sessions_given_.insert(header.session).second)
        violated("I-SESS", fmt::format("session {:#x} is given again", number(header.session)));
    return true;
}

Outcome History::carry_out(const Record& record, Model& model) {
    const auto& header = record.header;
    const Model::Place place{header.zxid, header.time_ms, header.session};
    if (header.type == OpCode::kCreateSession) {
        const auto txn = wire::decoded<wire::CreateSessionTxn>(body_of(record.txn));
        ZABD_ASSERT(txn.has_value());
        if (model.sessions().contains(header.session))
            violated("I-SESS", fmt::format("session {:#x} was given twice", number(header.session)));
        model.open_session(header.session, txn->timeout_ms);
        return {};
    }
    if (header.type == OpCode::kCloseSession) {
        if (!model.sessions().contains(header.session))
            violated("I-SESS", fmt::format("session {:#x} was closed twice", number(header.session)));
        return model.close_session(place);
    }
    if (header.session == SessionId::kNone) {
        if (header.type != OpCode::kDeleteContainer) return {};
        const auto txn = wire::decoded<wire::DeleteTxn>(body_of(record.txn));
        ZABD_ASSERT(txn.has_value());
        auto outcome = model.reap(txn->path, place);
        if (outcome.error != wire::ErrorCode::kOk)
            violated("I-MODEL", fmt::format("{} was reaped, which was not to go", txn->path));
        return outcome;
    }
    if (!record.request)
        violated("I-MODEL", fmt::format("transaction {:#x} of session {:#x} was never asked for", header.zxid.value,
                                        number(header.session)));
    if (header.type == OpCode::kError) {
        // By where it was asked and not by what: the session had moved away from there, or was over.
        const auto error = error_of(record.txn);
        if (error == wire::ErrorCode::kSessionMoved || error == wire::ErrorCode::kSessionExpired)
            return {.error = error, .body = {}, .events = {}};
        if (error == wire::ErrorCode::kSystemError && record.refusable)
            return {.error = error, .body = {}, .events = {}};
    }
    return model.write(record.request->op, record.request->body, place);
}

Model History::model_at(Zxid zxid) const {
    ZABD_ASSERT(committed(zxid));
    const auto later = models_.upper_bound(zxid);
    const bool kept = later != models_.begin();
    auto model = kept ? std::prev(later)->second : Model();
    auto next = committed_.upper_bound(kept ? std::prev(later)->first : Zxid{});
    for (; next != committed_.end() && next->first <= zxid; ++next) (void)carry_out(records_.at(next->first), model);
    return model;
}

void History::keep(Zxid zxid, const Model& model) {
    if (committed_.size() % kBetweenModels == 0) models_.try_emplace(zxid, model);
}

void History::compare_digest(ServerId server, Zxid zxid, std::uint64_t digest) {
    const auto found = committed_.find(zxid);
    if (found == committed_.end()) return;
    auto& [known, told_by] = found->second;
    if (!known) {
        known = digest;
        told_by = server;
    }
    if (*known != digest)
        violated("I-DET", fmt::format("at zxid {:#x} server {} has digest {:x}, server {} {:x}", zxid.value,
                                      number(server), digest, number(told_by), *known));
}

bool History::any_room_limited() const {
    return std::ranges::any_of(room_limited, [](const auto& one) { return one.second; });
}

}  // namespace zabd::sim
