// Who may do what: schemes, their identities, and the check.
//
// Schemes   world, auth (expanded when set), digest, ip, super (an identity only). Others have no provider here: their
//           entries are refused when set and match nobody.
// ip        "10.1.2.3", "10.0.0.0/8", "2001:db8::/32"; an IPv4 address in IPv6 form is that IPv4 address.
// Source    ZooKeeper's rules; perms bits are stored unmasked and compared by overlap.
#pragma once

#include "wire/acl.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zabd::znode {

using Identities = std::span<const wire::Id>;

/// Most entries that a list may grow to when its "auth" entries are expanded.
inline constexpr std::size_t kAclEntriesMax = 100'000;

/// Has somebody with these identities one of `wanted`'s bits under `list`? super may always; so may all if it is empty.
[[nodiscard]] bool allowed(const wire::AclList& list, std::int32_t wanted, Identities who);

/// The list as it is stored: duplicates dropped, "auth" replaced by the caller's authenticated identities.
/// nullopt: null, empty, an entry that no scheme accepts, or above kAclEntriesMax (InvalidACL).
[[nodiscard]] std::optional<wire::AclList> fixed_up(std::optional<wire::AclList> list, Identities who);

/// What getACL shows to one without ADMIN: digest hashes hidden.
[[nodiscard]] wire::AclList redacted(const wire::AclList& list);

/// base64(SHA-1("user:password")) behind "user:". A text without a colon is all user.
[[nodiscard]] std::string digest_identity(std::string_view user_and_password);

}  // namespace zabd::znode
