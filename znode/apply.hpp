// Transactions into changes: the only mutator of the tree.
//
// Pure      the same transactions in the same order give the same state and the same changes on every server and at
//           every replay.
// Errors    none: what can fail has failed in prepare and arrives as an error transaction. A transaction that does not
//           fit the tree is a broken invariant and stops the process (but see Fit), so false is answered only for bytes
//           that do not decode or a type that is not known (damage, or a newer version's log).
// Borrowing Changes point into the transaction's bytes, or themselves; good until these go or the next apply().
#pragma once

#include "wire/error_codes.hpp"
#include "wire/node_image.hpp"
#include "wire/opcodes.hpp"
#include "wire/requests.hpp"
#include "wire/stat.hpp"
#include "wire/txns.hpp"
#include "znode/acl_table.hpp"
#include "znode/quota.hpp"
#include "znode/tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::znode {

/// A watch event to be raised. In the order of the list; `acl` decides who may see it.
struct Trigger {
    wire::EventType type = wire::EventType::kNodeCreated;
    std::string_view path;
    AclId acl = AclId::kOpen;  // the node's (as it was, for a deletion); the parent's for kNodeChildrenChanged
};

/// What the operation (of a multi: each one) came to, for the reply.
struct OperationResult {
    wire::OpCode type = wire::OpCode::kError;  // of the (sub-)transaction; kError for all of a multi that failed
    wire::ErrorCode error = wire::ErrorCode::kOk;
    std::string_view path;  // creates: the actual one
    wire::Stat stat;        // creates, setData, setACL: afterwards
};

struct Changes {
    wire::StateImages images;  // sessions are left to the caller
    std::vector<Trigger> triggers;
    std::vector<OperationResult> results;  // exactly one, but for a multi
    std::vector<std::string> paths;        // of triggers that no transaction names

    void clear();
};

/// The replicated state but for the sessions.
struct State {
    State();  // fresh: the built-in nodes
    /// Recovered; counts the users of each list, finds the quotas in the tree and recounts their usage. The tree has a
    /// root, and its lists are all in the table.
    State(AclTable acls_restored, Tree tree_restored);

    AclTable acls;
    Tree tree;
    Quotas quotas;

    /// All there is, as images in order of ids: what a checkpoint starts from. Zxid and sessions are the caller's to add.
    [[nodiscard]] wire::StateImages images() const;
    /// O(n), for tests and the simulator.
    void check_invariants() const;
};

/// The bytes are a transaction. Whether it fits the state only apply() finds.
[[nodiscard]] bool decodes(const wire::TxnHeader& header, std::string_view body);

/// How well a tree fits the transaction that it meets.
enum class Fit : std::uint8_t {
    kExact,  // it is as the transaction before left it
    /// It was written while transactions went on, as ZooKeeper does it: any of its nodes may be as a later transaction left
    /// it. All of those are replayed in order, and at the last one the tree is exact. Until then each leaves its node as
    /// it leaves it in an exact tree:
    ///   create        a node that is there, and all below it, is a later one: it gives way. Without a parent that may have
    ///                 children, which a later transaction then removed, nothing is created. The parent's count and pzxid
    ///                 only rise.
    ///   delete        what is there goes, with all below it, which is later. The parent's pzxid rises in any case.
    ///   setData, setACL, check      of a node that is gone: nothing.
    ///   closeSession  goes over what the session still owns, whether it is named or not.
    /// What only gives way raises no event.
    kFuzzy,
};

/// Applies one transaction; `changes` is cleared first. False: bytes that do not decode, nothing is changed.
[[nodiscard]] bool apply(const wire::TxnHeader& header, std::string_view body, State& state, Changes& changes,
                         Fit fit = Fit::kExact);

}  // namespace zabd::znode
