// Transactions as ZooKeeper's servers of 3.8 take them.
//
// Why       inside a multi they know no create2: they carry out what stands before it, leave out the rest, and say nothing.
//           Their own leaders write a create there, which does the same.
#pragma once

#include "wire/bytes.hpp"

namespace zabd::wire {

/// A header and its transaction, in words that such a server knows. The same bytes if it knows these, or if they are no
/// transaction.
[[nodiscard]] Bytes for_zookeeper(const Bytes& txn);

}  // namespace zabd::wire
