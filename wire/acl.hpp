// Access control entries and the permission bits.
#pragma once

#include "wire/jute.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace zabd::wire {

enum Permission : std::int32_t {
    kRead = 1,
    kWrite = 2,
    kCreate = 4,
    kDelete = 8,
    kAdmin = 16,
    kAllPermissions = 31,
};

/// Who somebody is, or whom an entry names: ("digest", "bob:hash"), ("ip", "10.0.0.0/8"), ("world", "anyone").
struct Id {
    std::string scheme;
    std::string id;

    static void fields(auto& self, auto&& visit) { visit(NullAsEmpty(self.scheme), NullAsEmpty(self.id)); }
    friend auto operator<=>(const Id&, const Id&) = default;
};

/// One entry. The bits are stored as given: servers do not mask them.
struct Acl {
    std::int32_t permissions = 0;
    Id id;

    static void fields(auto& self, auto&& visit) { visit(self.permissions, self.id); }
    friend auto operator<=>(const Acl&, const Acl&) = default;
};

using AclList = std::vector<Acl>;

}  // namespace zabd::wire
