// Transactions as ZooKeeper's servers of 3.8 take them.
//
// create2   they do not know inside a multi: they carry out what stands before it, leave out the rest, and say nothing.
//           Their own leaders write a create there, which does the same.
// closeSession   names all of the session's ephemerals. One that is longer than they read (kZookeeperTxnBytesMax) they drop their leader
//           for, again and again; without the names they find them by themselves.
#pragma once

#include "wire/bytes.hpp"

#include <cstddef>

namespace zabd::wire {

inline constexpr std::size_t kZookeeperTxnBytesMax = 0xfffff;  // jute.maxbuffer, if nobody sets it

/// A header and its transaction, in words that such a server knows. The same bytes if it knows these, or if they are no
/// transaction.
[[nodiscard]] Bytes for_zookeeper(const Bytes& txn);

}  // namespace zabd::wire
