// Who calls, and whether he may: decided before any handler runs.
//
// Effects   none but a table of addresses that failed; time is told.
// Threads   the admin thread's.
// Host      has to be ours: a page of another site whose name suddenly resolves to this machine (DNS rebinding) names
//           its own. Addresses cannot be rebound, so any address is ours while we listen on all.
// Sites     no cookies and no CORS headers, so another site's page has no credentials to borrow and cannot read answers;
//           against blind writes by pages where credentials are not needed: Origin, Sec-Fetch-Site, and a header that
//           only scripts of this origin can set.
// Secrets   compared by their hashes in constant time, all of them whatever fits; an unknown user and a wrong password
//           are told the same. After failures an address waits for each further refusal; right credentials never wait.
#pragma once

#include "net/http.hpp"
#include "server/admin/router.hpp"
#include "server/config.hpp"
#include "wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace zabd::server::admin {

/// The answer to who may not; to be given after `delay`.
struct Refused {
    net::HttpResponse response;
    milliseconds delay{0};
};

class Access {
public:
    static constexpr std::size_t kAddressesMax = 1024;  // remembered for their failures; then the oldest goes
    static constexpr milliseconds kDelayMax{2000};
    static constexpr milliseconds kForgetAfter{60'000};

    explicit Access(const Config& config);

    /// Whether the request is for this server at all, and not another site's doing.
    [[nodiscard]] std::optional<Refused> turned_away(const net::HttpRequest& request) const;
    /// Then: may it call what `needs` that? Role::kNobody: everybody may, and is taken as nobody.
    [[nodiscard]] std::variant<Caller, Refused> caller_of(const net::HttpRequest& request, Role needs, Instant now);

private:
    struct Failures {
        unsigned count = 0;
        Instant last;
    };
    [[nodiscard]] bool host_is_ours(std::string_view host) const;
    [[nodiscard]] std::optional<Caller> authenticated(std::string_view authorization) const;
    [[nodiscard]] Caller user_of(const std::string& digest, Role role) const;
    milliseconds failed(const std::string& address, Instant now);

    AdminConfig config_;
    std::string super_digest_;
    bool digest_identities_;
    std::map<std::string, Failures> failures_;
};

}  // namespace zabd::server::admin
