#include "server/core/authentication.hpp"

#include "znode/acl_rules.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace zabd::core {
namespace {

/// In the same time wherever they differ.
bool equal_secrets(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::optional<std::vector<wire::Id>> authenticate(const wire::AuthRequest& request, const Options& options) {
    if (request.scheme == "ip") return std::vector<wire::Id>{};
    if (request.scheme != "digest" || !request.auth || !options.digest_auth_enabled) return std::nullopt;
    std::vector<wire::Id> identities;
    auto user = znode::digest_identity(*request.auth);
    if (!options.super_digest.empty() && equal_secrets(user, options.super_digest)) identities.push_back({"super", ""});
    identities.push_back({"digest", std::move(user)});
    return identities;
}

bool satisfies_enforced(const std::vector<wire::Id>& identities, const Options& options) {
    const auto& schemes = options.enforced_schemes;
    return schemes.empty() || std::ranges::any_of(identities, [&](const wire::Id& identity) {
               return std::ranges::find(schemes, identity.scheme) != schemes.end();
           });
}

}  // namespace zabd::core
