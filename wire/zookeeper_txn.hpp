// One transaction as ZooKeeper logs and proposes it, in the form in which zabd has it.
//
// Form      header, record, and since 3.6 in most cases a digest: version 2, and that of the tree afterwards. zabd's is the
//           same without the digest.
// Short     older releases leave out what the end of a session deletes, and before that the parent's count of a create:
//           then the list is empty, the count -1 (see znode's Fit::kFuzzy).
// Reconfig  is a setData of /zookeeper/config by another name, and comes as one.
#pragma once

#include "wire/txns.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::wire {

struct ZookeeperTxn {
    TxnHeader header;
    std::string body;  // without the digest
    std::optional<std::uint64_t> digest;
};

/// nullopt: its bytes are none, or its type is not known.
[[nodiscard]] std::optional<ZookeeperTxn> read_zookeeper_txn(std::string_view bytes);

}  // namespace zabd::wire
