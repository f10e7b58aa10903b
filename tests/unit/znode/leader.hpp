// A leader without a network: requests become transactions, and these are applied at once or later.
#pragma once

#include "wire/jute.hpp"
#include "wire/requests.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"
#include "znode/prepare.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::znode {

inline const wire::Id kWorldId{"world", "anyone"};
inline const wire::AclList kOpen{{wire::kAllPermissions, kWorldId}};
inline constexpr SessionId kSession{0x100};
inline constexpr SessionId kOtherSession{0x200};

inline wire::CreateRequest creation(std::string_view path, wire::CreateMode mode = wire::CreateMode::kPersistent) {
    return {path, "", kOpen, mode};
}

/// The body of a multi, operation by operation.
class MultiBody {
public:
    template <class Request>
    MultiBody& add(wire::OpCode op, const Request& request) {
        body_ += wire::encoded(wire::MultiHeader{.op = op}) + wire::encoded(request);
        return *this;
    }
    [[nodiscard]] std::string text() const { return body_ + wire::encoded(wire::kMultiEnd); }

private:
    std::string body_;
};

/// A transaction as it was proposed.
struct Proposal {
    wire::TxnHeader header;
    std::string body;
    std::string bytes;
};

struct Leader {
    explicit Leader(PrepareOptions options = {.extended_types = true}) : preparer(state, options) {
        context.session = kSession;
        context.time = WallTime{1000};
    }

    State state;
    Preparer preparer;
    WriteContext context;
    std::vector<wire::Id> who{{"ip", "127.0.0.1"}};
    std::deque<Proposal> in_flight;
    Changes changes;
    Proposal applied;

    Proposal propose(wire::OpCode op, std::string_view body) {
        next();
        std::string bytes;
        preparer.prepare(op, body, context, bytes);
        return proposed(std::move(bytes));
    }
    Proposal propose_close() {
        next();
        std::string bytes;
        preparer.prepare_close_session(context, bytes);
        return proposed(std::move(bytes));
    }
    void apply_oldest() {
        applied = std::move(in_flight.front());
        in_flight.pop_front();
        REQUIRE(apply(applied.header, applied.body, state, changes));
        preparer.applied(applied.header.zxid);
    }

    /// Proposed and applied; the result of the operation, or of a multi's first one.
    OperationResult write(wire::OpCode op, std::string_view body) {
        propose(op, body);
        while (!in_flight.empty()) apply_oldest();
        return changes.results.empty() ? OperationResult{} : changes.results.front();
    }
    template <class Request>
    OperationResult write(wire::OpCode op, const Request& request) {
        return write(op, std::string_view(request_bytes = wire::encoded(request)));
    }
    template <class Request>
    wire::ErrorCode error_of(wire::OpCode op, const Request& request) {
        return write(op, request).error;
    }
    OperationResult create(std::string_view path, wire::CreateMode mode = wire::CreateMode::kPersistent) {
        return write(wire::OpCode::kCreate, creation(path, mode));
    }
    OperationResult remove(std::string_view path) {
        return write(wire::OpCode::kDelete, wire::VersionedRequest{path, -1});
    }
    OperationResult close_session() {
        propose_close();
        while (!in_flight.empty()) apply_oldest();
        return changes.results.front();
    }
    [[nodiscard]] wire::Stat stat(std::string_view path) const {
        const auto* node = state.tree.find(path);
        REQUIRE(node);
        return stat_of(*node);
    }

private:
    void next() {
        ++context.zxid.value;
        ++context.xid;
        context.identities = who;
    }
    Proposal proposed(std::string bytes) {
        wire::Decoder in(bytes);
        Proposal proposal;
        wire::decode(in, proposal.header);
        REQUIRE_FALSE(in.failed());
        proposal.body = in.rest();
        proposal.bytes = std::move(bytes);
        in_flight.push_back(proposal);
        return proposal;
    }

    std::string request_bytes;
};

}  // namespace zabd::znode
