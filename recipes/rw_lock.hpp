// A fair lock that readers share and writers have alone.
//
//     ReadWriteLock lock(client, "/table/lock");
//     auto grant = co_await lock.read().acquire();
//
// Layout    <path>/_c_<uuid>-__READ__N and ...-__WRIT__N: Curator's InterProcessReadWriteLock. With Flavor::kKazoo
//           <path>/<32 hex>__rlock__N and ...__lock__N: kazoo's ReadLock and WriteLock. (kazoo 2.8's own ReadLock waits
//           for writers behind it too, who wait for it: for ever. With its WriteLock all is well.)
// Order     a writer waits for whoever is in front of it, a reader for the nearest writer in front of it; so readers
//           that come behind a waiting writer wait too, and nobody starves.
// Both      are Locks (lock.hpp) on one queue, which contenders() of either shows. Neither is re-entrant: who holds the
//           read lock and asks for the write lock waits for itself. (Curator's read locks under a write lock of the
//           same owner are understood; we make none.)
#pragma once

#include "recipes/lock.hpp"

#include <string>

namespace zabd::recipes {

class ReadWriteLock {
public:
    ReadWriteLock(client::Client& client, const std::string& path, const ContestOptions& options = {})
        : read_(client, path, options, Purpose::kRead), write_(client, path, options, Purpose::kWrite) {}

    Lock& read() { return read_; }
    Lock& write() { return write_; }

private:
    Lock read_;
    Lock write_;
};

}  // namespace zabd::recipes
