// Auth packets: what a connection may call itself.
#pragma once

#include "server/core/options.hpp"
#include "wire/acl.hpp"
#include "wire/requests.hpp"

#include <optional>
#include <string>
#include <vector>

namespace zabd::core {

/// Identities that the packet adds; nullopt: refused (AuthFailed, and the connection ends). "digest" adds the user's,
/// and super if it is the configured one; "ip" adds nothing new. All other schemes are refused.
[[nodiscard]] std::optional<std::vector<wire::Id>> authenticate(const wire::AuthRequest& request,
                                                                const Options& options);

/// Has one of them a scheme that is asked for? True if none is asked for.
[[nodiscard]] bool satisfies_enforced(const std::vector<wire::Id>& identities, const Options& options);

}  // namespace zabd::core
