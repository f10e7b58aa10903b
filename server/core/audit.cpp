// What is told for the audit log (Options::audit): what clients asked to be changed, who did, and what became of it.
#include "server/core/core_impl.hpp"
#include "server/core/request_paths.hpp"

#include <algorithm>

namespace zabd::core {
namespace {

/// Empty: of a request that no client wrote.
std::string_view body_of(std::string_view frame) {
    wire::RequestHeader header;
    wire::Decoder in(frame);
    wire::decode(in, header);
    return in.failed() ? std::string_view() : in.rest();
}

}  // namespace

void Core::Impl::audit(const Client& client, const Audited& what, Outputs& out) {
    auto audited = what;
    audited.time = now_.wall;
    audited.session = client.session;
    audited.address = client.status.address;
    audited.identities = client.identities;
    out.items.emplace_back(std::move(audited));
}

void Core::Impl::audit_each(const Client& client, wire::OpCode op, std::string_view body, Audited what, Outputs& out) {
    auto touched = touched_by(op, body);
    if (touched.empty()) touched.push_back({op, {}});
    for (const auto& [each, path] : touched) {
        what.op = each;
        what.path = path;
        audit(client, what, out);
    }
}

void Core::Impl::audit_refused(const Client& client, wire::OpCode op, std::string_view body, wire::ErrorCode error,
                               Outputs& out) {
    if (options_.audit) audit_each(client, op, body, {.result = error}, out);
}

/// With the results of the transaction that was applied just now.
void Core::Impl::audit_applied(const Client& client, const Waiting& done, const wire::TxnHeader& header, Outputs& out) {
    if (!options_.audit) return;
    const auto& results = pipeline_.changes().results;
    auto touched = touched_by(done.op, body_of(done.frame));
    if (touched.empty()) touched.push_back({done.op, {}});
    const bool failed = std::ranges::any_of(results, [](const auto& one) { return one.error != wire::ErrorCode::kOk; });
    for (std::size_t i = 0; i < touched.size(); ++i) {
        const auto& [op, path] = touched[i];
        // A multi that failed as a whole has one result for all; a session's beginning and end may have none.
        const auto* result = results.empty() ? nullptr : &results[std::min(i, results.size() - 1)];
        auto error = result ? result->error : wire::ErrorCode::kOk;
        // What came before the operation that failed a multi has not happened either, though its reply says 0.
        if (failed && error == wire::ErrorCode::kOk) error = wire::ErrorCode::kRuntimeInconsistency;
        const bool named = error == wire::ErrorCode::kOk && result && !result->path.empty();
        audit(client,
              {.op = op, .path = std::string(named ? result->path : path), .result = error, .zxid = header.zxid}, out);
    }
}

/// What the server does by itself, told by the one that does it; and what a client's end of its session takes along.
void Core::Impl::audit_own(const wire::TxnHeader& header, Outputs& out) {
    const bool expired = expired_here_.erase(header.session) != 0;
    if (!options_.audit) return;
    const bool closes = header.type == wire::OpCode::kCloseSession && (expired || owners_.contains(header.session));
    const bool reaps = header.type == wire::OpCode::kDeleteContainer && leads();
    if (!closes && !reaps) return;
    Audited audited{.time = now_.wall, .session = header.session, .op = header.type, .zxid = header.zxid};
    if (expired) out.items.emplace_back(audited);
    audited.op = closes ? wire::OpCode::kDelete : wire::OpCode::kDeleteContainer;
    for (const auto& trigger : pipeline_.changes().triggers) {
        if (trigger.type != wire::EventType::kNodeDeleted) continue;
        audited.path = trigger.path;
        out.items.emplace_back(audited);
    }
}

/// Its connection is gone: what it still waits for may happen or not.
void Core::Impl::audit_abandoned(const Client& client, Outputs& out) {
    if (!options_.audit) return;
    for (const auto& waiting : client.waiting) {
        if (waiting.what != Waiting::For::kWrite) continue;
        audit_each(client, waiting.op, body_of(waiting.frame), {.unknown = true}, out);
    }
}

}  // namespace zabd::core
