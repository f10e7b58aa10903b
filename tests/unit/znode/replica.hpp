// A state and the transactions that tests apply to it, each with the next zxid.
#pragma once

#include "wire/jute.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace zabd::znode {

inline const wire::AclList kOpenAcl{{wire::kAllPermissions, {"world", "anyone"}}};
inline const wire::AclList kReadOnlyAcl{{wire::kRead, {"world", "anyone"}}};

struct Replica {
    State state;
    wire::TxnHeader header{.session = SessionId{0x100}, .zxid = Zxid{0}, .time_ms = 1000};
    Changes changes;
    std::string body;

    template <class Txn>
    bool try_apply(wire::OpCode type, const Txn& txn) {
        ++header.zxid.value;
        header.time_ms += 10;
        header.type = type;
        body = wire::encoded(txn);
        return apply(header, body, state, changes);
    }
    template <class Txn>
    void apply_txn(wire::OpCode type, const Txn& txn) {
        REQUIRE(try_apply(type, txn));
    }

    [[nodiscard]] const Node& node(std::string_view path) const {
        const Node* found = state.tree.find(path);
        CAPTURE(std::string(path));
        REQUIRE(found);
        return *found;
    }
    /// The parent's counter once one more child is created.
    [[nodiscard]] std::int32_t next_creations(std::string_view path) const {
        const auto slash = path.rfind('/');
        return node(slash == 0 ? "/" : path.substr(0, slash)).creations + 1;
    }
    [[nodiscard]] wire::CreateTxn create_txn(std::string_view path, wire::NullableBuffer data = "") const {
        return {path, data, kOpenAcl, false, next_creations(path)};
    }

    void create(std::string_view path, wire::NullableBuffer data = "", const wire::AclList& acl = kOpenAcl) {
        apply_txn(wire::OpCode::kCreate, wire::CreateTxn{path, data, acl, false, next_creations(path)});
    }
    void create_ephemeral(std::string_view path, SessionId owner = SessionId{0x100}) {
        header.session = owner;
        apply_txn(wire::OpCode::kCreate, wire::CreateTxn{path, "", kOpenAcl, true, next_creations(path)});
    }
    void remove(std::string_view path) { apply_txn(wire::OpCode::kDelete, wire::DeleteTxn{path}); }
    void set_data(std::string_view path, wire::NullableBuffer data) {
        apply_txn(wire::OpCode::kSetData, wire::SetDataTxn{path, data, node(path).version + 1});
    }
    void set_acl(std::string_view path, const wire::AclList& acl) {
        apply_txn(wire::OpCode::kSetAcl, wire::SetAclTxn{path, acl, node(path).aversion + 1});
    }
    void close_session(SessionId session, std::vector<std::string_view> ephemerals) {
        header.session = session;
        apply_txn(wire::OpCode::kCloseSession, wire::CloseSessionTxn{std::move(ephemerals)});
    }
};

}  // namespace zabd::znode
