// Session ids and passwords.
//
// Ids       server id in the top byte. A server alone: then 40 bits of the start time in ms, then a counter, as ZooKeeper
//           gives them. A member of an ensemble: then what is above the end of its history.
// Passwords the first 128 bits of HMAC-SHA-256(secret, id as 8 bytes big-endian). Ids are public (every ephemeral shows
//           one), so the secret is what keeps a session from being taken over; it stays the same across restarts.
// ZooKeeper its servers make the password of the id alone (docs/zab.md, mixed ensembles).
#pragma once

#include "wire/connect.hpp"
#include "wire/ids.hpp"
#include "wire/time.hpp"

#include <array>
#include <string_view>

namespace zabd::session {

inline constexpr std::size_t kSecretBytes = 32;
using Secret = std::array<unsigned char, kSecretBytes>;

class IdSource {
public:
    /// Ids begin at the start time's; skip() sees to it that none is given twice though the clock was set back.
    IdSource(ServerId server, WallTime start);
    SessionId next();
    /// From here on ids are given above this one too, if it is of the same server.
    void skip(SessionId used);
    /// From here on ids are given above the zxid (its low 56 bits) of the last transaction in the history. As each id given
    /// while there is a leader becomes a later transaction, none is given twice, whatever the clock says and whatever disk
    /// was lost (hazard Z-67).
    void follow(Zxid last);

private:
    SessionId next_;
};

class Credentials {
public:
    explicit Credentials(const Secret& secret) : secret_(secret) {}
    [[nodiscard]] wire::Password password(SessionId session) const;
    /// Takes the same time whatever is wrong.
    [[nodiscard]] bool matches(SessionId session, std::string_view password) const;

    /// ZooKeeper's own form: anybody can make it of the id.
    [[nodiscard]] static wire::Password zookeeper_password(SessionId session);
    [[nodiscard]] static bool matches_zookeeper(SessionId session, std::string_view password);

private:
    Secret secret_;
};

}  // namespace zabd::session
