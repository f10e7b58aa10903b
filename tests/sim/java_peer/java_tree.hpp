// The tree as a ZooKeeper server has it in memory: nodes by path, and the sessions.
//
// Source    an independent reading of ZooKeeper's rules; nothing of znode/ carries a transaction out here.
// Replay    may meet what it has done before, or half of it, as ZooKeeper's snapshots are taken while transactions go on:
//           what exists is not created again, what is gone is not missed, counters do not go back.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/snapshot_stream.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace zabd::sim {

struct JavaNode {
    wire::NodeRecord stat{};  // without id, parent, name and list
    Bytes data{};
    std::string acl{};  // jute form of the list; empty: open to all
};

class JavaTree {
public:
    /// Fresh: the built-in nodes.
    explicit JavaTree(std::string_view config_text);

    /// A transaction: header, body and perhaps a digest.
    void apply(std::string_view txn);
    /// Of a snapshot, into what was emptied.
    void clear();
    void take(const wire::SnapshotElement& element);

    /// All of it, for znode's rules of preparation; with the digest.
    [[nodiscard]] std::unique_ptr<znode::State> state() const;
    [[nodiscard]] const std::map<std::string, JavaNode, std::less<>>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<SessionId, std::int32_t>& sessions() const { return sessions_; }

    /// Of the transaction that was carried out last, or what a role has set it to.
    Zxid last{};

private:
    struct Creation {
        std::string_view path;
        wire::NullableBuffer data;
        const wire::AclList& acl;
        std::int64_t owner = 0;
        std::int32_t parent_creations = 0;
    };
    void apply(const wire::TxnHeader& header, std::string_view body);
    void create(const wire::TxnHeader& header, const Creation& creation);
    void remove(std::string_view path, Zxid zxid);
    void set_data(const wire::TxnHeader& header, const wire::SetDataTxn& txn);
    void close_session(const wire::TxnHeader& header, std::string_view body);
    void apply_multi(const wire::TxnHeader& header, std::string_view body);

    std::map<std::string, JavaNode, std::less<>> nodes_;  // parents come before their children
    std::map<SessionId, std::int32_t> sessions_;
    std::map<std::int64_t, std::string> snapshot_acls_;  // of the snapshot that is being taken
};

}  // namespace zabd::sim
