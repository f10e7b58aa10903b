// A znode's stat as clients see it (68 bytes).
#pragma once

#include "wire/ids.hpp"

#include <cstdint>

namespace zabd::wire {

struct Stat {
    Zxid czxid;                        // creation
    Zxid mzxid;                        // last change of the data
    std::int64_t ctime = 0;            // ms since 1970
    std::int64_t mtime = 0;            // ms since 1970
    std::int32_t version = 0;          // changes of the data
    std::int32_t cversion = 0;         // changes of the children: 2 * creations - children
    std::int32_t aversion = 0;         // changes of the ACL
    std::int64_t ephemeral_owner = 0;  // session id; 0 for all other kinds, containers and TTL nodes included
    std::int32_t data_length = 0;      // bytes; 0 for null
    std::int32_t num_children = 0;
    Zxid pzxid;  // last creation or deletion of a child

    static void fields(auto& self, auto&& visit) {
        visit(self.czxid, self.mzxid, self.ctime, self.mtime, self.version, self.cversion, self.aversion,
              self.ephemeral_owner, self.data_length, self.num_children, self.pzxid);
    }
    friend bool operator==(const Stat&, const Stat&) = default;
};

}  // namespace zabd::wire
